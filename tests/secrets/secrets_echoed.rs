//! Tokens and signatures of odd shapes that come back where nobody expects them, from the manager and from data services: none
//! gets into evidence.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::sync::Mutex;
use std::time::Duration;

use crate::canary::leak;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Raw, Reply, Request, Wire};
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{Format, paint};
use midoctor::report::{Report, Run};
use midoctor::scenarios;
use midoctor::simulator::{Azure, CANARY, SimulatedMachine};
use midoctor::token::{Secret, Token};

/// Whoever is sent a token answers with it, in this shape.
struct Echoing {
    machine: SimulatedMachine,
    shape: fn(&str) -> String,
    echoed: Mutex<usize>,
}

impl Wire for Echoing {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let mut reply = self.machine.ask(request, bearer, within);
        if let (Some(token), Raw::Http { status, headers, body, certificate, .. }) = (bearer, &mut reply.raw) {
            let echo = (self.shape)(token.expose());
            // JSON alone is read with numbers for letters.
            let bare = if echo.starts_with("\\u") { token.expose() } else { &echo };
            *self.echoed.lock().unwrap() += 1;
            *status = 403;
            for name in
                ["www-authenticate", "location", "server", "via", "x-ms-request-id", "x-ms-failure-cause", "set-cookie"]
            {
                headers.push((name.into(), format!("Bearer error=\"{bare}\", at https://x.example/{bare}?a={bare}")));
            }
            let message = format!("no, {echo} is wrong; see https://x.example/?a=1&sig={CANARY}%3D&x={echo}");
            *body = Secret::new(
                format!("{{\"error\":{{\"code\":\"AuthorizationFailed\",\"message\":\"{message}\",\"{echo}\":[\"{echo}\"]}}}}").into(),
            );
            if let Some(shown) = certificate {
                shown.subject = format!("CN={bare}");
                shown.names = vec![bare.to_owned()];
            }
        }
        reply
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

/// What a service makes of the token that it was sent.
type Shape = fn(&str) -> String;

#[test]
fn an_echo_in_any_shape_gets_into_nothing() {
    let shapes: [(&str, Shape); 9] = [
        ("as it is", str::to_owned),
        ("its end", |token| token[token.len() / 3..].to_owned()),
        ("its signature", |token| token.rsplit('.').next().unwrap().to_owned()),
        ("quoted in quotes", |token| format!("\\\"{token}\\\"")),
        ("with numbers for letters", |token| token.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect()),
        ("percent-encoded", |token| url::form_urlencoded::byte_serialize(token.as_bytes()).collect()),
        ("in base64", |token| STANDARD.encode(token)),
        ("in base64 behind a name", |token| STANDARD.encode(format!("user:{token}"))),
        ("beside other letters", |token| format!("abc{token}xyz")),
    ];
    for (what, shape) in shapes {
        let scenario = scenarios::find("healthy-data").unwrap().scenario().unwrap();
        let plan = scenarios::plan(&scenario).unwrap();
        let wire = Echoing { machine: SimulatedMachine::new(Azure::new(scenario)), shape, echoed: Mutex::default() };
        let (evidence, _) = engine::examine(&wire, &plan, Limits::default(), &|_: &Request| {});
        // The manager and each of the data services.
        assert!(*wire.echoed.lock().unwrap() >= 4, "{what}: {}", wire.echoed.lock().unwrap());
        let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
        let report = Report::new(&diagnosis::diagnose(&evidence), evidence, run);
        for format in [Format::Text, Format::Json] {
            let detail = Detail { quiet: false, verbose: true };
            let shown = paint(&report, format, Style::default(), detail).unwrap();
            assert_eq!(leak(shown.as_bytes()), None, "{what}: {shown}");
        }
    }
}
