//! A VM of which everything that can be a text is somebody else's: each string of each answer, in bodies, claims of tokens,
//! headers, certificates, files, variables, routes, rules and errors, is given to a function that may change it.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Raw, Reply, Request, Wire};
use midoctor::plan::Plan;
use midoctor::report::{Report, Run};
use midoctor::simulator::SimulatedMachine;
use midoctor::token::{Secret, Token};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Gets where a string stands, as `QUESTION PLACE`, and the string.
pub trait Spoil: Fn(&str, &mut String) + Sync {}
impl<F: Fn(&str, &mut String) + Sync> Spoil for F {}

pub struct Spoilt<F> {
    pub machine: SimulatedMachine,
    pub spoil: F,
}

impl<F: Spoil> Wire for Spoilt<F> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let reply = self.machine.ask(request, bearer, within);
        let at = match request {
            Request::Http(http) => format!("{} {}", http.method, http.url.split('?').next().unwrap()),
            other => other.in_words(),
        };
        let raw = match reply.raw {
            Raw::Plain(outcome) => Raw::Plain(typed(outcome, &at, &self.spoil)),
            Raw::Http { status, mut headers, body, cut, certificate } => {
                for (name, value) in &mut headers {
                    // How the body is framed is the client's business, which is another test's.
                    (self.spoil)(&format!("{at} header {name}"), value);
                }
                let text = String::from_utf8_lossy(body.bytes()).into_owned();
                let body = Secret::new(self.body(&at, text).into_bytes());
                let certificate = certificate.map(|shown| typed(shown, &format!("{at} certificate"), &self.spoil));
                Raw::Http { status, headers, body, cut, certificate }
            }
        };
        Reply { took: reply.took, raw }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

impl<F: Spoil> Spoilt<F> {
    fn body(&self, at: &str, mut text: String) -> String {
        let Ok(mut json) = serde_json::from_str::<Value>(&text) else {
            (self.spoil)(&format!("{at} body"), &mut text);
            return text;
        };
        if let Some(token) = json["access_token"].as_str().map(str::to_owned) {
            json["access_token"] = self.token(at, &token).into();
        }
        each_string(&mut json, &format!("{at} body "), &|place, text| {
            if !place.ends_with("/access_token") {
                (self.spoil)(place, text);
            }
        });
        json.to_string()
    }

    /// The same token with other claims; nobody looks at its signature.
    fn token(&self, at: &str, token: &str) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let claims = parts.get(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let Some(mut claims) = claims.and_then(|claims| serde_json::from_slice(&claims).ok()) else {
            return token.to_owned();
        };
        each_string(&mut claims, &format!("{at} claims "), &self.spoil);
        parts[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
        parts.join(".")
    }
}

/// What cannot be told any other way, such as the name of a variant, stays.
fn typed<T: Serialize + DeserializeOwned>(whole: T, at: &str, spoil: &impl Spoil) -> T {
    let mut json = serde_json::to_value(&whole).unwrap();
    let mut places = Vec::new();
    collect(&json, String::new(), &mut places);
    for place in places {
        let before = json.clone();
        let Some(Value::String(text)) = json.pointer_mut(&place) else { continue };
        spoil(&format!("{at} {place}"), text);
        if serde_json::from_value::<T>(json.clone()).is_err() {
            json = before;
        }
    }
    serde_json::from_value(json).unwrap()
}

fn each_string(json: &mut Value, at: &str, spoil: &impl Spoil) {
    let mut places = Vec::new();
    collect(json, String::new(), &mut places);
    for place in places {
        if let Some(Value::String(text)) = json.pointer_mut(&place) {
            spoil(&format!("{at}{place}"), text);
        }
    }
}

/// The pointers to all strings.
fn collect(json: &Value, at: String, places: &mut Vec<String>) {
    match json {
        Value::String(_) => places.push(at),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(index, one)| collect(one, format!("{at}/{index}"), places));
        }
        Value::Object(all) => {
            for (key, one) in all {
                collect(one, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        _ => {}
    }
}

/// The report of a run over it.
pub fn report(spoilt: &Spoilt<impl Spoil>, plan: &Plan) -> Report {
    let (evidence, _) = engine::examine(spoilt, plan, Limits::default(), &|_: &Request| {});
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}
