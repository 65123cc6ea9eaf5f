//! Adds the token on the way out and seals it on the way back: after this, nothing holds a token's bytes.
//!
//! The recorder does not decide what to ask or when; the engine does. It alone knows the tokens of a run.

mod body;
mod echo;
mod variable;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::destination::Destinations;
use crate::evidence::{
    Answer, BODY_LIMIT, CUT_LIMIT, Certificate, Failure, Outcome, PROXY_AGENT_STATUS, Raw, Request, Route, Wire,
    is_secret,
};
use crate::request::Carry;
use crate::seal::{self, SEAL};
use crate::token::{Claims, Token};

use echo::Echoes;

/// Puts questions through a wire and keeps the run's tokens to itself.
pub struct Recorder<'a> {
    wire: &'a dyn Wire,
    tokens: Mutex<HashMap<String, std::sync::Arc<Token>>>,
    echoes: Mutex<Vec<Echoes>>,
}

/// The headers that tell who answered and what support asks for. Others, cookies among them, are left out.
const KEPT_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "date",
    "location",
    "metadata-flavor",
    "proxy-authenticate",
    "retry-after",
    "server",
    "via",
    "www-authenticate",
    "x-cache",
    "x-ms-azure-host-authorization",
    "x-ms-correlation-request-id",
    "x-ms-error-code",
    "x-ms-failure-cause",
    "x-ms-forbidden-ip",
    "x-ms-request-id",
    "x-ms-substatus",
    "x-squid-error",
];

/// A header longer than this is cut.
const HEADER_LIMIT: usize = 2048;

/// A text of a certificate that has more characters than this is cut.
const CERTIFICATE_LIMIT: usize = 400;

/// What a container registry's refresh token says. The token itself is of no more use.
fn registry_claims(request: &Request, text: &str) -> Option<Claims> {
    let exchange = matches!(request, Request::Http(http) if http.carry == Carry::RegistryForm);
    let mut json: Value = exchange.then(|| serde_json::from_str(text).ok()).flatten()?;
    match json.get_mut("refresh_token")?.take() {
        Value::String(token) => Some(Token::new(token).claims()),
        _ => None,
    }
}

impl<'a> Recorder<'a> {
    /// A recorder for one run over this wire.
    pub fn new(wire: &'a dyn Wire) -> Self {
        Self { wire, tokens: Mutex::default(), echoes: Mutex::default() }
    }

    /// Puts a question once, and returns how long it took with what may be kept of the outcome.
    pub fn ask(&self, request: &Request, destinations: &Destinations, within: Duration) -> (Duration, Outcome) {
        let bearer = match request {
            // Whoever runs the proxy would see it all.
            Request::Http(http)
                if http.route == Route::HttpProxy && (http.bearer.is_some() || http.is_about_an_identity()) =>
            {
                let why = "only the question for the VM's own document is put through a proxy";
                return (Duration::ZERO, Outcome::failed(Failure::Unsupported, why));
            }
            Request::Http(http) => match &http.bearer {
                None => None,
                Some(source) => match self.token_for(destinations, &http.url, source) {
                    Ok(token) => Some(token),
                    Err(why) => return (Duration::ZERO, Outcome::failed(Failure::Unsupported, why)),
                },
            },
            _ => None,
        };
        let reply = self.wire.ask(request, bearer.as_deref(), within);
        let withhold = matches!(request, Request::Http(http) if http.route == Route::AsClients && !destinations.is_manager(&http.url));
        (reply.took, self.seal(request, reply.raw, withhold))
    }

    /// The token that goes with this URL, if it may go there.
    fn token_for(
        &self,
        destinations: &Destinations,
        url: &str,
        source: &str,
    ) -> Result<std::sync::Arc<Token>, &'static str> {
        destinations.admit(url, source)?;
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(source).cloned().ok_or("the token for this question was not issued in this run")
    }

    /// What a data service hands out is nobody's business here: its bodies are kept when they refuse, not when they admit.
    fn seal(&self, request: &Request, raw: Raw, withhold: bool) -> Outcome {
        match raw {
            Raw::Plain(Outcome::Contents { text }) if is_agent_status(request) => {
                Outcome::Contents { text: self.seal_text(&without_command_lines(&text)) }
            }
            Raw::Plain(outcome) => self.seal_plain(outcome),
            Raw::Http { status, headers, body, cut, certificate } => {
                // A data service hands out no lists that are read: of a refusal the usual length is kept.
                let kept = match body.bytes() {
                    bytes if withhold && status >= 400 => &bytes[..bytes.len().min(BODY_LIMIT)],
                    bytes => bytes,
                };
                let kept = match kept.get(..CUT_LIMIT) {
                    Some(beginning) if body::is_unfit(kept) => beginning,
                    _ => kept,
                };
                let cut = cut || kept.len() < body.bytes().len();
                let text = Zeroizing::new(String::from_utf8_lossy(kept).into_owned());
                drop(body);
                let (body, token) = match text.len() {
                    1.. if withhold && status < 400 => ("(withheld)".to_owned(), registry_claims(request, &text)),
                    _ => self.seal_body(request, status, text),
                };
                Outcome::Answered(Answer {
                    status,
                    headers: self.seal_headers(headers, withhold),
                    body,
                    cut,
                    token,
                    certificate: certificate.map(|shown| self.seal_certificate(shown)),
                })
            }
        }
    }

    fn seal_headers(&self, headers: Vec<(String, String)>, withhold: bool) -> BTreeMap<String, String> {
        // Where a data service points to can carry a signature that opens it.
        let bare = |name: &str, value: String| match name {
            "location" if withhold => value.split(['?', '#']).next().unwrap_or_default().to_owned(),
            _ => value,
        };
        let mut kept: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if KEPT_HEADERS.contains(&name.as_str()) {
                let value: String = bare(&name, value).chars().take(HEADER_LIMIT).collect();
                let value = self.seal_text(&value);
                // A server may offer several challenges, each in a line of its own (RFC 9110).
                match kept.get_mut(&name) {
                    Some(first) if name == "www-authenticate" => *first = format!("{first}, {value}"),
                    _ => drop(kept.insert(name, value)),
                }
            }
        }
        kept
    }

    /// Takes the token out of a token answer and keeps it; seals whatever else looks like one.
    fn seal_body(&self, request: &Request, status: u16, mut text: Zeroizing<String>) -> (String, Option<Claims>) {
        // A success where a token was asked for may hold one in any disguise.
        let disguise = request.asks_for_token() && status < 300 && !text.trim_start().starts_with('<');
        let withheld =
            (disguise && !text.is_empty()).then(|| format!("(withheld: {} bytes without an access_token)", text.len()));
        // Most bodies hold no secret, and some are megabytes: only the names are looked at first.
        let holds_one = body::holds_secret(&text);
        let Some(Value::Object(mut json)) = holds_one.then(|| serde_json::from_str(&text).ok()).flatten() else {
            return (withheld.unwrap_or_else(|| self.seal_json(std::mem::take(&mut *text))), None);
        };
        let mut claims = None;
        for (key, value) in &mut json {
            if !body::names_secret(key) || value.as_str() == Some("") {
                continue;
            }
            let taken = std::mem::replace(value, Value::String(SEAL.into()));
            // Whatever it is a secret for, it is overwritten.
            let Value::String(token) = taken else { continue };
            let token = Token::new(token);
            if key.eq_ignore_ascii_case("access_token") {
                claims = Some(token.claims());
                if let Some(url) = request.url().filter(|_| request.asks_for_token() && status == 200) {
                    self.echoes.lock().unwrap_or_else(PoisonError::into_inner).push(Echoes::of(token.expose()));
                    let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                    tokens.insert(url.to_owned(), token.into());
                }
            }
        }
        if let Some(withheld) = withheld.filter(|_| claims.is_none()) {
            return (withheld, None);
        }
        // It is written anew: a member that comes twice has its first value in the text alone.
        (self.seal_json(Value::Object(json).to_string()), claims)
    }

    fn seal_plain(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed(mut failed) => {
                // It can name a proxy, as a variable does that nobody knows the shape of.
                failed.detail = seal::text(&self.seal_text(&failed.detail.chars().take(400).collect::<String>()));
                failed.certificate = failed.certificate.map(|shown| self.seal_certificate(shown));
                Outcome::Failed(failed)
            }
            Outcome::Contents { text } => Outcome::Contents { text: self.seal_text(&text) },
            Outcome::Variables { set, unit } => Outcome::Variables {
                set: self.seal_variables(set),
                unit: unit.map(|mut unit| {
                    unit.declared = self.seal_variables(unit.declared);
                    unit.unread = unit.unread.iter().map(|text| self.seal_text(text)).collect();
                    unit
                }),
            },
            Outcome::Firewall { mut rules, unfollowed } => {
                for rule in &mut rules {
                    rule.rule = self.seal_text(&rule.rule);
                }
                Outcome::Firewall { rules, unfollowed }
            }
            other => other,
        }
    }

    /// Of a variable that holds a secret only the fact that it is set is kept.
    fn seal_variables(&self, set: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let sealed = |name: &str, value: &str| {
            if is_secret(name) && !value.is_empty() {
                "(set)".into()
            } else {
                // What stands in a variable that should hold none was set by mistake, and nothing is known of its shape.
                seal::text(&self.seal_text(&variable::without_places_of_secrets(name, value)))
            }
        };
        set.iter().map(|(name, value)| (name.clone(), sealed(name, value))).collect()
    }

    fn seal_certificate(&self, mut shown: Certificate) -> Certificate {
        let text = |text: &str| self.seal_text(&text.chars().take(CERTIFICATE_LIMIT).collect::<String>());
        shown.subject = text(&shown.subject);
        shown.issuer = text(&shown.issuer);
        shown.chain.truncate(5);
        shown.names.truncate(20);
        if let Some(issuer) = &mut shown.issuer_out_of_date {
            for one in [&mut issuer.subject, &mut issuer.not_before, &mut issuer.not_after] {
                *one = text(one);
            }
        }
        for one in shown.chain.iter_mut().chain(&mut shown.names).chain(&mut shown.refused) {
            *one = text(one);
        }
        shown
    }

    /// Replaces the run's tokens, and what looks like a token, wherever they stand. Copies that held one are overwritten.
    fn seal_text(&self, text: &str) -> String {
        self.seal_owned(Cow::Borrowed(text)).into_owned()
    }

    /// The same, without a copy of what holds none.
    fn seal_owned<'t>(&self, mut sealed: Cow<'t, str>) -> Cow<'t, str> {
        for token in self.tokens.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let token = token.expose();
            if !token.is_empty() && sealed.contains(token) {
                sealed = without(sealed, |text| Cow::Owned(text.replace(token, SEAL)));
            }
        }
        sealed = without(sealed, seal::tokens);
        for echoes in self.echoes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            sealed = without(sealed, |text| echoes.seal(text));
        }
        sealed
    }

    /// The same of JSON, where a text can be written in other signs than it is read in.
    fn seal_json(&self, text: String) -> String {
        let sealed = self.seal_owned(Cow::Owned(text)).into_owned();
        let Cow::Owned(plain) = body::in_plain_signs(&sealed) else { return sealed };
        let plain = Zeroizing::new(plain);
        let of_plain = self.seal_text(&plain);
        // What holds nothing stays as it came.
        if of_plain == *plain { sealed } else { of_plain }
    }
}

/// What `seal` makes of a text. When that is another, the one before held a secret and is of no more use.
fn without<'t>(text: Cow<'t, str>, seal: impl FnOnce(&str) -> Cow<'_, str>) -> Cow<'t, str> {
    let Cow::Owned(sealed) = seal(&text) else { return text };
    overwrite(text);
    Cow::Owned(sealed)
}

/// What is not borrowed held a secret.
fn overwrite(text: Cow<'_, str>) {
    if let Cow::Owned(mut text) = text {
        text.zeroize();
    }
}

fn is_agent_status(request: &Request) -> bool {
    matches!(request, Request::File { path } if path == PROXY_AGENT_STATUS)
}

/// The guest proxy agent writes down how its callers were started, passwords and all. Of its status only what names the callers
/// otherwise is kept, and of who was let through nothing.
fn without_command_lines(text: &str) -> String {
    let Ok(Value::Object(mut json)) = serde_json::from_str(text) else {
        return format!("(withheld: {} bytes that are no status)", text.len());
    };
    json.remove("proxyConnectionSummary");
    for entry in json.get_mut("failedAuthenticateSummary").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(entry) = entry {
            entry.retain(|name, _| {
                ["userName", "ip", "port", "responseStatus", "count", "processFullPath"].contains(&name.as_str())
            });
        }
    }
    Value::Object(json).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_variable_for_something_else_is_left_out() {
        let plain = crate::wire::Machine::new(crate::plan::Whose::Own);
        let recorder = Recorder::new(&plain);
        let token_file = "/var/run/secrets/azure/tokens/azure-identity-token";
        for (name, value, kept) in [
            ("AZURE_CLIENT_ID", "aBc8Q~hunter2hunter2hunter2hunter2hunter", SEAL),
            ("AZURE_TENANT_ID", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiYiJ9.c2ln", SEAL),
            ("AZURE_CLIENT_ID", "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573", "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573"),
            ("IDENTITY_ENDPOINT", "https://h/msi/token?code=hunter2&x=1", "https://h/msi/token?…"),
            ("MSI_ENDPOINT", "http://127.0.0.1:41999/msi/token#hunter2", "http://127.0.0.1:41999/msi/token?…"),
            ("IDENTITY_ENDPOINT", "https://h/msi?mail=me%40contoso.com&code=hunter2", "https://(sealed)"),
            ("MSI_ENDPOINT", "https://h/?for=me@contoso.com&x=hunter2", "https://(sealed)"),
            ("IMDS_ENDPOINT", "h/?for=me@contoso.com&x=hunter2", SEAL),
            ("AZURE_FEDERATED_TOKEN_FILE", token_file, token_file),
            ("NO_PROXY", "localhost,.contoso.com,169.254.0.0/16", "localhost,.contoso.com,169.254.0.0/16"),
        ] {
            let set = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(recorder.seal_variables(set).get(name).map(String::as_str), Some(kept), "{name}");
        }
    }
}
