//! Answers inside a text: error bodies in JSON or as Python and Java print it, statuses, headers, pages of proxies.
//!
//! They are put together again as an [`Answer`] and given to the functions that judge live answers. What follows for a managed
//! identity is judged in `judge`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::text::Text;
use crate::azure::metadata::{IdentityError, Responder, responder};
use crate::evidence::Answer;
use crate::pattern::pattern;

/// An error of the identity dialect and where it is.
pub struct Said {
    /// The error.
    pub error: IdentityError,
    /// Where.
    pub at: Range<usize>,
}

static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"["']?error["']?\s*[:=]\s*["']([a-z0-9_ :.']{3,80})["']\s*,\s*["']?error_description["']?\s*[:=]\s*["']([^"]{3,300})"#,
    )
});

static LONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"[{(]\s*["']error["']\s*:\s*["']([^"'{}]{3,120}(?:'[a-z]+'[^"{}]{0,60})?)["']\s*[,})]"#)
});

/// The metadata service's sentences, which many clients print without the body around them.
const SENTENCES: [(&str, &str); 9] = [
    ("identity not found", "invalid_request"),
    ("multiple user assigned identities exist", "invalid_request"),
    ("required metadata header not specified", "invalid_request"),
    ("metadata header is not specified", "invalid_request"),
    ("request contains x-forwarded-for", "invalid_request"),
    ("required query variable", "invalid_request"),
    ("api-version is invalid or was not specified in the request", "invalid_request"),
    ("temporarily throttled, too many requests", "invalid_request"),
    ("failed to retrieve token from the active directory", "unknown"),
];

/// Errors of the metadata service in the text, whole bodies before what is left of them.
pub fn identity_errors(text: &Text) -> Vec<Said> {
    let mut found = Vec::new();
    for pattern in [&PAIR, &LONE] {
        for parts in pattern.captures_iter(&text.flat) {
            let (Some(whole), Some(error)) = (parts.get(0), parts.get(1)) else { continue };
            let description = parts.get(2).map_or("", |part| part.as_str());
            let error = IdentityError { status: 400, error: error.as_str().into(), description: description.into() };
            found.push(Said { error, at: whole.range() });
        }
    }
    for (sentence, error) in SENTENCES {
        if let Some(at) = text.find(sentence)
            && !found.iter().any(|said: &Said| said.at.contains(&at.start))
        {
            let error = IdentityError { status: 400, error: error.into(), description: sentence.into() };
            found.push(Said { error, at });
        }
    }
    found
}

static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:\bhttp/\d(?:\.\d)?[^0-9A-Za-z_]? |status(?:[ _-]?code)?["']?\s*[:=]?\s*\(?["']?|(?:client|server) error '|http error:? |http status |returned error: |\bresponse |\berror |\(code |response body |\bcode["']?: |awaiting response\.\.\. )([1-5]\d\d)\b|\b([45]\d\d) (?:client error|server error|\(?bad request|\(?unauthorized|\(?forbidden|\(?not found|\(?gone\b|\(?too many requests|\(?internal server error|\(?bad gateway|\(?service unavailable|\(?gateway time)"#,
    )
});

/// Statuses as the libraries of Rust and .NET print them.
const STATUS_NAMES: [(&str, u16); 16] = [
    ("code: badrequest", 400),
    ("code: unauthorized", 401),
    ("code: forbidden", 403),
    ("code: notfound", 404),
    ("code: internalservererror", 500),
    ("code: serviceunavailable", 503),
    ("status: badrequest", 400),
    ("status: unauthorized", 401),
    ("status: forbidden", 403),
    ("status: notfound", 404),
    ("status: gone", 410),
    ("status: toomanyrequests", 429),
    ("status: internalservererror", 500),
    ("status: badgateway", 502),
    ("status: serviceunavailable", 503),
    ("status: gatewaytimeout", 504),
];

/// The statuses of failures that the text names, in its order, each once.
pub fn statuses(text: &Text) -> Vec<(u16, Range<usize>)> {
    let mut found: Vec<(u16, Range<usize>)> = Vec::new();
    for parts in STATUS.captures_iter(&text.flat) {
        let Some(digits) = parts.get(1).or_else(|| parts.get(2)) else { continue };
        let Ok(status) = digits.as_str().parse() else { continue };
        if status >= 400 && !found.iter().any(|(known, _)| *known == status) {
            found.push((status, digits.range()));
        }
    }
    for (name, status) in STATUS_NAMES {
        if let Some(at) = text.find(name)
            && !found.iter().any(|(known, _)| *known == status)
        {
            found.push((status, at));
        }
    }
    found
}

/// Headers that tell who answered, on lines of their own or in a list.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?m)(?:^[<\s]*|["{]|(?i-u:\\n))(?i-u:(server|via|metadata-flavor|content-type|content-length|x-squid-error))["']?: ?["']?([^"'\r\n}]*)"#,
    )
});

/// The headers in the text that tell who answered, and where the first of them is.
fn headers(text: &Text) -> (BTreeMap<String, String>, Option<Range<usize>>) {
    let mut headers = BTreeMap::new();
    let mut first = None;
    for parts in HEADER.captures_iter(&text.original_from(0)) {
        let (Some(name), Some(value)) = (parts.get(1), parts.get(2)) else { continue };
        let name = name.as_str().to_ascii_lowercase();
        first = first.or_else(|| text.find(&format!("{name}:")).or_else(|| text.find(&name)));
        headers.entry(name).or_insert_with(|| value.as_str().trim().to_owned());
    }
    (headers, first)
}

static LOGGED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"/metadata/identity/oauth2/token[^"]*" 400 (\d{2,4})\b"#));

/// What a 400 of the metadata service says, told by its length where a client left out the body: its sentences are few, and no
/// two are of one length (recorded: 68, 88, 168 bytes; Entra's own errors are several hundred).
pub fn by_length(text: &Text) -> Option<(&'static str, Range<usize>)> {
    let logged = LOGGED.captures(&text.flat).and_then(|parts| parts.get(1));
    let (length, at) = match logged {
        Some(length) => (length.as_str().parse::<usize>().ok()?, length.range()),
        None => {
            let (headers, first) = headers(text);
            if !statuses(text).iter().any(|(status, _)| *status == 400) {
                return None;
            }
            let json = headers.get("content-type").is_some_and(|kind| kind.contains("json"));
            let length = headers.get("content-length").filter(|_| json)?;
            (length.parse().ok()?, first?)
        }
    };
    let code = match length {
        68 | 69 => "identity-none",
        88 | 89 => "imds-header",
        168 | 169 => "identity-ambiguous",
        500..=1500 => "resource-invalid",
        _ => return None,
    };
    Some((code, at))
}

/// Who gave the answer that the text holds, where its headers or its body tell.
pub fn answered_by(text: &Text) -> Option<(Responder, Range<usize>)> {
    let at = text.find_any(&["<!doctype", "<html", "<?xml", "<title", "<h1"]);
    let (mut headers, first) = headers(text);
    if text.has("metadata-flavor") {
        headers.insert("metadata-flavor".into(), "Google".into());
    }
    let body = match &at {
        Some(at) => text.original_from(at.start),
        None => plain_body(text),
    };
    if at.is_some() {
        headers.insert("content-type".into(), "text/html".into());
    } else if !headers.contains_key("content-type") {
        headers.insert("content-type".into(), "text/plain".into());
    }
    let status = statuses(text).first().map_or(200, |(status, _)| *status);
    let bodiless = headers.get("content-length").is_some_and(|length| length == "0");
    let answer = Answer { status, headers, body: if bodiless { String::new() } else { body }, ..Answer::default() };
    let who = responder(&answer);
    let told = match &who {
        Responder::Stranger(name) => !name.is_empty(),
        // An empty 403 without any header is what a client left out, unless it shows the whole answer.
        Responder::GuestProxyAgent => bodiless,
        Responder::Proxy(_) => at.is_some() || answer.header("via").is_some(),
        _ => true,
    };
    let place = at.or(first).or_else(|| text.find(DOCKER)).unwrap_or(0..text.flat.len());
    told.then_some((who, place))
}

/// Docker Desktop's words begin so; wget says where it connects to as well, and puts dots after it.
const DOCKER: &str = "connecting to 169.254.169.254:80: ";

/// What parsers of JSON say of a page in HTML, in the words of .NET, Java and Go.
const PAGE_FOR_JSON: [&str; 5] = [
    "'<' is an invalid start of a value",
    "unexpected character ('<'",
    "invalid character '<' looking for beginning of value",
    "unexpected character encountered while parsing value: <",
    "authentication response was not in the expected format",
];

/// Where a client says that it got a page in place of a token.
pub fn page_for_json(text: &Text) -> Option<Range<usize>> {
    text.find_any(&PAGE_FOR_JSON)
}

/// What a client printed as the body, when it is not a page.
fn plain_body(text: &Text) -> String {
    let marks = ["response body:", "content:", "responded with:", "error response received from the server:"];
    let original = text.original_from(0);
    if original.trim_start().starts_with("HTTP/")
        && let Some((_, body)) = original.split_once("\n\n")
    {
        return body.trim().to_owned();
    }
    let at = marks.iter().filter_map(|mark| text.find(mark)).map(|at| at.end).min();
    match at {
        Some(at) => text.original_from(at).trim().to_owned(),
        // Without a mark the text is the program's own words, which only Docker Desktop's are unlike.
        None if text.has(DOCKER) => text.flat.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("bodies.rs"), &[&PAIR, &LONE, &STATUS, &HEADER, &LOGGED]);
    }
}
