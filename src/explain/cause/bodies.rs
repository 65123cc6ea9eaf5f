//! Answers inside a text: error bodies in JSON or as Python and Java print it, statuses, headers, pages of proxies.
//!
//! They are put together again as an [`Answer`] and given to the functions that judge live answers. What follows for a managed
//! identity is judged in `judge`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::text::Text;
use super::transport::pattern;
use crate::azure::metadata::{IdentityError, Responder, responder};
use crate::evidence::Answer;

/// An error of the identity dialect and where it is.
pub struct Said {
    /// The error.
    pub error: IdentityError,
    /// Where.
    pub at: Range<usize>,
}

static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"["']?error["']?\s*[:=]\s*["']([a-z0-9_ :.']{3,80})["']\s*,\s*["']?error_description["']?\s*[:=]\s*["']([^"]{3,300})"#)
});

static LONE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"[{(]\s*["']error["']\s*:\s*["']([^"'{}]{3,120}(?:'[a-z]+'[^"{}]{0,60})?)["']\s*[,})]"#));

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
        r#"(?:\bhttp/\d(?:\.\d)?\W? |status(?:[ _-]?code)?["']?\s*[:=]?\s*\(?["']?|(?:client|server) error '|http error:? |http status |returned error: |\bresponse |\berror |\(code |response body |\bcode["']?: )([1-5]\d\d)\b|\b([45]\d\d) (?:client|server) error\b"#,
    )
});

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
    found
}

/// Headers that tell who answered.
const TELLING: [&str; 6] = ["server", "via", "metadata-flavor", "content-type", "content-length", "x-squid-error"];

/// Who gave the answer that the text holds, where its headers or its body tell.
pub fn answered_by(text: &Text) -> Option<(Responder, Range<usize>)> {
    let at = text.find_any(&["<!doctype", "<html", "<?xml", "<title", "<h1"]);
    let mut headers = BTreeMap::new();
    let mut first = None;
    for line in text.lines() {
        let line = line.trim_start_matches(['<', ' ', '\t']);
        let Some((name, value)) = line.split_once(": ") else { continue };
        let name = name.to_ascii_lowercase();
        if TELLING.contains(&name.as_str()) {
            first = first.or_else(|| text.find(&super::text::fold(line)));
            headers.entry(name).or_insert_with(|| value.trim().to_owned());
        }
    }
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
    let place = at.or(first).or_else(|| text.find("connecting to 169.254.169.254:80")).unwrap_or(0..text.flat.len());
    told.then_some((who, place))
}

/// What a client printed as the body, when it is not a page.
fn plain_body(text: &Text) -> String {
    let marks = ["response body:", "content:", "responded with:", "error response received from the server:"];
    let at = marks.iter().filter_map(|mark| text.find(mark)).map(|at| at.end).min();
    match at {
        Some(at) => text.original_from(at).trim().to_owned(),
        // Without a mark the text is the program's own words, which only Docker Desktop's are unlike.
        None if text.has("connecting to 169.254.169.254:80") => text.flat.clone(),
        None => String::new(),
    }
}
