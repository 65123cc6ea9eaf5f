//! The faults: what a server does instead of the answer that it should give.

use std::io::{self, Write};
use std::time::Duration;

use midoctor::simulator::CANARY;
use serde_json::{Value, json};

use super::bodies;
use super::certificates::ELSEWHERE;
use super::line::{End, Line};
use super::question::Question;
use super::server::Proper;

/// What the fault amounts to for whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No answer, or none that ends, in time.
    Silence,
    /// The connection ends before the answer does.
    Broken,
    /// What comes is not HTTP.
    NotHttp,
    /// The head of the answer never ends.
    Flood,
    /// The status and the headers of the right server, and more of a body than anybody reads.
    Endless,
    /// The status and the headers of the right server, and a body that cannot be read.
    Unreadable,
    /// The status and the headers of the right server, and a body that can be read and does not say what it should.
    Odd,
    /// A 200 of somebody who does not say who it is.
    Empty,
    /// A page for people.
    Html,
    /// A redirect by somebody who does not say who it is.
    Redirect,
    /// A token that cannot be read.
    NoToken,
    /// A token that can be read and does not say what it should.
    OddToken,
}

type Play = fn(&Proper, &mut Line) -> io::Result<End>;

pub struct Fault {
    pub name: &'static str,
    pub class: Class,
    pub play: Play,
}

impl Fault {
    const fn new(class: Class, name: &'static str, play: Play) -> Self {
        Self { name, class, play }
    }

    pub fn applies_to(&self, question: Question) -> bool {
        !matches!(self.class, Class::NoToken | Class::OddToken) || question == Question::Token
    }
}

pub fn all() -> Vec<Fault> {
    [silent(), broken(), not_http(), floods(), endless(), unreadable(), odd(), strangers(), tokens()]
        .into_iter()
        .flatten()
        .collect()
}

fn length(body: &[u8]) -> String {
    format!("Content-Length: {}\r\n", body.len())
}

fn send(line: &mut Line, bytes: &[u8]) -> io::Result<End> {
    line.write_all(bytes)?;
    Ok(End::Close)
}

fn silent() -> Vec<Fault> {
    let fault = |name, play| Fault::new(Class::Silence, name, play);
    vec![
        fault("no answer", |_, _| Ok(End::Hold)),
        fault("the first byte after 12 seconds", |proper, line| {
            std::thread::sleep(Duration::from_secs(12));
            send(line, &proper.with_body(&proper.body))
        }),
        fault("one byte of the headers a second", |proper, line| line.drip(&proper.with_body(&proper.body))),
        fault("one byte of the body a second", |proper, line| {
            line.write_all(&proper.head("Content-Length: 1000000\r\n"))?;
            line.drip(b" ")
        }),
        fault("one chunk a second", |proper, line| {
            line.write_all(&proper.head("Transfer-Encoding: chunked\r\n"))?;
            loop {
                line.write_all(b"1\r\n \r\n")?;
                std::thread::sleep(Duration::from_secs(1));
            }
        }),
        fault("one interim answer a second", |_, line| {
            loop {
                line.write_all(b"HTTP/1.1 102 Processing\r\n\r\n")?;
                std::thread::sleep(Duration::from_secs(1));
            }
        }),
    ]
}

fn broken() -> Vec<Fault> {
    const PART: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Ty";
    let fault = |name, play| Fault::new(Class::Broken, name, play);
    vec![
        fault("closed before the headers", |_, _| Ok(End::Close)),
        fault("reset before the headers", |_, _| Ok(End::Reset)),
        fault("closed in the headers", |_, line| send(line, PART)),
        fault("reset in the headers", |_, line| send(line, PART).map(|_| End::Reset)),
        fault("closed after the headers", |proper, line| send(line, &proper.head(&length(&proper.body)))),
        fault("reset after the headers", |proper, line| {
            send(line, &proper.head(&length(&proper.body))).map(|_| End::Reset)
        }),
        fault("closed in the body", |proper, line| {
            let whole = proper.with_body(&proper.body);
            send(line, &whole[..whole.len() - 5])
        }),
        fault("a Content-Length that is too long", |proper, line| {
            line.write_all(&proper.head("Content-Length: 50000\r\n"))?;
            send(line, &proper.body)
        }),
        fault("a chunk that is shorter than told", |proper, line| {
            line.write_all(&proper.head("Transfer-Encoding: chunked\r\n"))?;
            send(line, &[b"ffff\r\n", &proper.body[..]].concat())
        }),
        fault("no last chunk", |proper, line| {
            line.write_all(&proper.head("Transfer-Encoding: chunked\r\n"))?;
            let size = format!("{:x}\r\n", proper.body.len());
            send(line, &[size.as_bytes(), &proper.body, b"\r\n"].concat())
        }),
    ]
}

fn with_length(proper: &Proper, line: &mut Line, about_length: &str) -> io::Result<End> {
    line.write_all(&proper.head(about_length))?;
    send(line, &proper.body)
}

fn chunked(proper: &Proper, line: &mut Line, before: &str, after: &str) -> io::Result<End> {
    line.write_all(&proper.head("Transfer-Encoding: chunked\r\n"))?;
    send(line, &[before.as_bytes(), &proper.body, after.as_bytes()].concat())
}

fn not_http() -> Vec<Fault> {
    let fault = |name, play| Fault::new(Class::NotHttp, name, play);
    vec![
        fault("not HTTP", |_, line| send(line, b"SSH-2.0-OpenSSH_9.6\r\n\r\n")),
        fault("noise", |_, line| send(line, &(0..=255).collect::<Vec<u8>>())),
        fault("HTTP/0.9", |proper, line| send(line, &proper.body)),
        fault("HTTP/2", |_, line| send(line, b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64")),
        fault("a status that is none", |_, line| send(line, b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n")),
        fault("a header without a name", |_, line| send(line, b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n")),
        fault("a Content-Length that is no number", |proper, line| {
            with_length(proper, line, "Content-Length: many\r\n")
        }),
        fault("a negative Content-Length", |proper, line| with_length(proper, line, "Content-Length: -1\r\n")),
        fault("a Content-Length beyond 64 bits", |proper, line| {
            with_length(proper, line, "Content-Length: 99999999999999999999\r\n")
        }),
        fault("a chunk size that is no number", |proper, line| chunked(proper, line, "many\r\n", "\r\n0\r\n\r\n")),
        fault("a chunk size beyond 64 bits", |proper, line| {
            chunked(proper, line, "fffffffffffffffff\r\n", "\r\n0\r\n\r\n")
        }),
        fault("a chunk without its end", |proper, line| {
            let size = format!("{:x}\r\n", proper.body.len());
            chunked(proper, line, &size, "0\r\n\r\nmore and more")
        }),
    ]
}

fn floods() -> Vec<Fault> {
    let fault = |name, play| Fault::new(Class::Flood, name, play);
    vec![
        fault("headers without end", |_, line| {
            line.write_all(b"HTTP/1.1 200 OK\r\n")?;
            line.flood(b"X-More: and more\r\n")
        }),
        fault("a header without end", |_, line| {
            line.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ")?;
            line.flood(b"x")
        }),
        fault("a status line without end", |_, line| {
            line.write_all(b"HTTP/1.1 200 ")?;
            line.flood(b"O")
        }),
        fault("a thousand headers", |proper, line| {
            let many = "X-More: and more\r\n".repeat(1000);
            with_length(proper, line, &(many + &length(&proper.body)))
        }),
        fault("100 without end", |_, line| line.flood(b"HTTP/1.1 100 Continue\r\n\r\n")),
        fault("103 without end", |_, line| line.flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")),
        fault("an extension of a chunk without end", |proper, line| {
            line.write_all(&proper.head("Transfer-Encoding: chunked\r\n"))?;
            line.write_all(b"5;")?;
            line.flood(b"x")
        }),
        fault("empty lines without end", |_, line| line.flood(b"\r\n")),
    ]
}

fn endless() -> Vec<Fault> {
    let fault = |name, play| Fault::new(Class::Endless, name, play);
    vec![
        fault("a body without end", |proper, line| {
            line.write_all(&proper.head(""))?;
            line.flood(b"{\"value\":[0],\"nextLink\":null}\n")
        }),
        fault("a body of zeros without end", |proper, line| {
            line.write_all(&proper.head(""))?;
            line.flood(&[0])
        }),
        fault("a body of no letters without end", |proper, line| {
            line.write_all(&proper.head("Content-Length: 1099511627776\r\n"))?;
            line.flood(&[0xff])
        }),
        fault("chunks without end", |proper, line| {
            line.write_all(&proper.head("Transfer-Encoding: chunked\r\n"))?;
            line.flood(
                b"1000\r\n".iter().chain([b' '; 4096].iter()).chain(b"\r\n").copied().collect::<Vec<_>>().as_slice(),
            )
        }),
    ]
}

fn unreadable() -> Vec<Fault> {
    let fault = |name, play| Fault::new(Class::Unreadable, name, play);
    vec![
        fault("a Content-Length that is too short", |proper, line| {
            let length = format!("Content-Length: {}\r\n", proper.body.len() / 2);
            with_length(proper, line, &length)
        }),
        fault("a gzip bomb", |proper, line| {
            let bomb = bodies::gzip_bomb();
            line.write_all(&proper.head(&format!("Content-Encoding: gzip\r\n{}", length(&bomb))))?;
            send(line, &bomb)
        }),
        fault("UTF-16", |proper, line| send(line, &proper.with_body(&bodies::in_utf16(&proper.body)))),
        fault("not UTF-8", |proper, line| send(line, &proper.with_body(&bodies::with_broken_letters(&proper.body)))),
        fault("lists nested 200,000 deep", |proper, line| send(line, &proper.with_body(&bodies::nested_lists()))),
        fault("objects nested 100,000 deep", |proper, line| send(line, &proper.with_body(&bodies::nested_objects()))),
        fault("something deep in front", |proper, line| {
            send(line, &proper.with_body(&bodies::with_deep_member(&proper.body)))
        }),
        fault("JSON that breaks off", |proper, line| {
            send(line, &proper.with_body(&proper.body[..proper.body.len() - 2]))
        }),
    ]
}

fn odd() -> Vec<Fault> {
    let fault = |name, play| Fault::new(Class::Odd, name, play);
    vec![
        fault("duplicate keys", |proper, line| {
            send(line, &proper.with_body(&bodies::with_duplicate_keys(&proper.body)))
        }),
        fault("numbers as strings and strings as numbers", |proper, line| {
            send(line, &proper.with_body(&bodies::with_other_types(&proper.body)))
        }),
        fault("null", |proper, line| send(line, &proper.with_body(b"null"))),
        fault("an empty object", |proper, line| send(line, &proper.with_body(b"{}"))),
        fault("a list", |proper, line| send(line, &proper.with_body(b"[1,2,3]"))),
        fault("a hundred thousand members", |proper, line| send(line, &proper.with_body(&bodies::many_members()))),
    ]
}

fn strangers() -> Vec<Fault> {
    vec![
        Fault::new(Class::Empty, "an empty 200", |_, line| send(line, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
        Fault::new(Class::Html, "a page with 200", |_, line| {
            let page = "<!DOCTYPE html><html><title>Sign in</title><form><input name=\"password\"></form></html>";
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{}\r\n", length(page.as_bytes()));
            send(line, &[head.as_bytes(), page.as_bytes()].concat())
        }),
        Fault::new(Class::Redirect, "a redirect to itself", |proper, line| redirect(line, "302 Found", &proper.url)),
        Fault::new(Class::Redirect, "a redirect to another host", |_, line| {
            redirect(line, "307 Temporary Redirect", &format!("https://{ELSEWHERE}/take?it=all"))
        }),
        Fault::new(Class::Redirect, "a redirect to another port, without TLS", |_, line| {
            redirect(line, "308 Permanent Redirect", &format!("http://{ELSEWHERE}:8080/take"))
        }),
        Fault::new(Class::Redirect, "a redirect to nowhere", |_, line| {
            send(line, b"HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n")
        }),
    ]
}

fn redirect(line: &mut Line, status: &str, to: &str) -> io::Result<End> {
    send(line, format!("HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").as_bytes())
}

fn issue(proper: &Proper, line: &mut Line, token: &Value) -> io::Result<End> {
    send(line, &proper.with_body(&bodies::token_answer(&proper.body, token)))
}

fn tokens() -> Vec<Fault> {
    let unreadable = |name, play| Fault::new(Class::NoToken, name, play);
    let odd = |name, play| Fault::new(Class::OddToken, name, play);
    vec![
        unreadable("a token without parts", |proper, line| issue(proper, line, &"".into())),
        unreadable("a token of one part", |proper, line| issue(proper, line, &CANARY.into())),
        unreadable("a token of two parts", |proper, line| issue(proper, line, &format!("e30.{CANARY}").into())),
        unreadable("a token of five parts", |proper, line| {
            let [head, claims, signature] = bodies::token_parts(&proper.body);
            issue(proper, line, &format!("{head}.{claims}.{claims}.{claims}.{signature}").into())
        }),
        unreadable("a token that is no base64", |proper, line| {
            issue(proper, line, &format!("e30.*{CANARY}*.{CANARY}").into())
        }),
        unreadable("a token whose claims are nested 200,000 deep", |proper, line| {
            let claims = [b"{\"aud\":".as_slice(), &bodies::nested_lists(), b"}"].concat();
            issue(proper, line, &bodies::token_with_raw_claims(&proper.body, &claims))
        }),
        unreadable("a token whose claims are a list", |proper, line| {
            issue(proper, line, &bodies::token_with_raw_claims(&proper.body, b"[1]"))
        }),
        unreadable("a token that is a number", |proper, line| issue(proper, line, &json!(5))),
        unreadable("a token that is an object", |proper, line| issue(proper, line, &json!({ "token": CANARY }))),
        unreadable("a token of 1 MB without parts", |proper, line| {
            issue(proper, line, &CANARY.repeat(1_000_000 / CANARY.len()).into())
        }),
        odd("a token of 1 MB", |proper, line| {
            let [head, claims, signature] = bodies::token_parts(&proper.body);
            let long = signature.repeat(1_000_000 / signature.len());
            issue(proper, line, &format!("{head}.{claims}.{long}").into())
        }),
        odd("a token that breaks the header it is sent in", |proper, line| {
            let [head, claims, signature] = bodies::token_parts(&proper.body);
            issue(proper, line, &format!("{head}.{claims}.{signature}\r\nX-Injected: {signature}").into())
        }),
        odd("a token whose claims have other types", |proper, line| {
            let token = bodies::token_with_claims(&proper.body, |claims| {
                for (name, value) in [
                    ("aud", json!(["https://management.azure.com/"])),
                    ("exp", json!("soon")),
                    ("nbf", json!({ "at": 1 })),
                    ("oid", json!(17)),
                    ("tid", json!(true)),
                    ("xms_mirid", json!(null)),
                ] {
                    claims[name] = value;
                }
            });
            issue(proper, line, &token)
        }),
        odd("a token that ends beyond all time", |proper, line| {
            let token = bodies::token_with_claims(&proper.body, |claims| claims["exp"] = json!(1e300));
            issue(proper, line, &token)
        }),
        odd("a token without claims", |proper, line| {
            issue(proper, line, &bodies::token_with_raw_claims(&proper.body, b"{}"))
        }),
    ]
}
