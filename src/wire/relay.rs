//! One plain-HTTP question through a proxy, by the request with an absolute URL that clients send there. ureq would ask the proxy
//! for a tunnel instead, which most proxies refuse for port 80, so this is done by hand.
//!
//! It carries no token and follows nothing; every step has a time-out and a size limit.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use ureq::Proxy;
use zeroize::Zeroizing;

use super::names::resolve;
use super::{connect_limit, failure_of};
use crate::evidence::{BODY_LIMIT, Failure, HttpRequest, Outcome, Raw};
use crate::token::Secret;

/// The status line and all headers together may have so many bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// So many headers are read.
const HEADERS: usize = 100;
/// So many answers of the kind 1xx may come before the one that counts.
const INTERIM: usize = 8;

/// The answer is waited for so long at most: a proxy that cannot reach the address may try for a minute, and the questions
/// that matter come after this one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Puts the question once. The caller has made sure that it may go to a proxy.
pub fn put(request: &HttpRequest, proxy: &Proxy, within: Duration) -> Raw {
    let within = within.min(PATIENCE);
    let deadline = Deadline(Instant::now() + within);
    exchange(request, proxy, within, &deadline)
        .unwrap_or_else(|broke| Raw::Plain(Outcome::failed(broke.why, broke.detail)))
}

/// When all must be over.
struct Deadline(Instant);

impl Deadline {
    fn left(&self) -> Result<Duration, Broke> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(broke(Failure::AnswerTimeout, "no answer came in time")) } else { Ok(left) }
    }
}

/// Why nothing usable came back.
struct Broke {
    why: Failure,
    detail: String,
}

fn broke(why: Failure, detail: impl Into<String>) -> Broke {
    Broke { why, detail: detail.into() }
}

fn of_io(error: &io::Error) -> Broke {
    let why = match error.kind() {
        // What a socket with a time-out says when it is over.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::AnswerTimeout,
        _ => failure_of(error),
    };
    broke(why, error.to_string())
}

fn exchange(request: &HttpRequest, proxy: &Proxy, within: Duration, deadline: &Deadline) -> Result<Raw, Broke> {
    let head = head(request, proxy)?;
    let mut stream = connect(proxy, within, deadline)?;
    stream.set_write_timeout(Some(deadline.left()?)).map_err(|error| of_io(&error))?;
    stream.write_all(head.as_bytes()).map_err(|error| of_io(&error))?;
    let mut answer = Incoming { stream, deadline, bytes: Zeroizing::new(Vec::new()) };
    let mut seen = 0;
    loop {
        let head = answer.head()?;
        answer.bytes.drain(..head.length);
        if !(100..200).contains(&head.status) {
            let (body, cut) = answer.body(&head)?;
            let Head { status, headers, .. } = head;
            return Ok(Raw::Http { status, headers, body: Secret::new(body), cut, certificate: None });
        }
        seen += 1;
        if seen > INTERIM {
            return Err(broke(Failure::NotHttp, "the answer never began"));
        }
    }
}

/// The request as it is sent, the user and password of the proxy with it when its URL has them, as clients do.
fn head(request: &HttpRequest, proxy: &Proxy) -> Result<Zeroizing<String>, Broke> {
    let unfit = || broke(Failure::Unsupported, "the question cannot be put through a proxy");
    let url = url::Url::parse(&request.url).ok().filter(|url| url.scheme() == "http").ok_or_else(unfit)?;
    let authority = url.authority().to_owned();
    let mut head = Zeroizing::new(format!("GET {url} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n"));
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    for (name, value) in &request.headers {
        if !plain(name) || !plain(value) {
            return Err(unfit());
        }
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(concat!("User-Agent: midoctor/", env!("CARGO_PKG_VERSION"), "\r\nAccept: */*\r\n"));
    if proxy.username().is_some() || proxy.password().is_some() {
        let pair = Zeroizing::new(format!(
            "{}:{}",
            proxy.username().unwrap_or_default(),
            proxy.password().unwrap_or_default()
        ));
        let pair = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        head.push_str(&Zeroizing::new(format!("Proxy-Authorization: Basic {}\r\n", &*pair)));
    }
    head.push_str("\r\n");
    Ok(head)
}

/// A connection to the first of the proxy's addresses that takes one.
fn connect(proxy: &Proxy, within: Duration, deadline: &Deadline) -> Result<TcpStream, Broke> {
    let host = proxy.host().trim_matches(['[', ']']);
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => match resolve(host, deadline.left()?) {
            Outcome::Resolved { addresses } => addresses.iter().filter_map(|address| address.parse().ok()).collect(),
            Outcome::Failed(failed) => return Err(broke(failed.why, failed.detail)),
            _ => Vec::new(),
        },
    };
    // Less than the whole, or a connection that never came about would pass for an answer that never came.
    let limit = connect_limit(host, within).min(within * 9 / 10);
    let mut why = broke(Failure::NameUnknown, "the name of the proxy has no address");
    for address in addresses {
        let left = deadline.left()?.min(limit);
        match TcpStream::connect_timeout(&SocketAddr::new(address, proxy.port()), left) {
            Ok(stream) => return Ok(stream),
            Err(error) => why = broke(failure_of(&error), error.to_string()),
        }
    }
    Err(why)
}

/// The status line and headers of an answer.
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// In bytes.
    length: usize,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        fields.next().map(|(_, value)| value.trim())
    }
}

/// An answer that is being read: what came and was not yet understood.
struct Incoming<'a> {
    stream: TcpStream,
    deadline: &'a Deadline,
    bytes: Zeroizing<Vec<u8>>,
}

impl Incoming<'_> {
    /// Reads once more; `false` at the end.
    fn more(&mut self) -> Result<bool, Broke> {
        self.stream.set_read_timeout(Some(self.deadline.left()?)).map_err(|error| of_io(&error))?;
        let mut buffer = Zeroizing::new([0; 8192]);
        let count = self.stream.read(&mut *buffer).map_err(|error| of_io(&error))?;
        self.bytes.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }

    fn head(&mut self) -> Result<Head, Broke> {
        loop {
            if let Some(head) = parse_head(&self.bytes)? {
                return Ok(head);
            }
            if self.bytes.len() > HEAD_LIMIT {
                return Err(broke(Failure::TooLarge, "the headers of the answer are too long"));
            }
            if !self.more()? {
                return Err(broke(Failure::Closed, "the connection was closed before an answer was complete"));
            }
        }
    }

    /// The body, cut at the limit, and whether there was more.
    fn body(&mut self, head: &Head) -> Result<(Vec<u8>, bool), Broke> {
        let chunked =
            head.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"));
        let length: Option<usize> = head.header("content-length").and_then(|value| value.parse().ok());
        let mut body = Vec::new();
        if matches!(head.status, 204 | 304) {
            return Ok((body, false));
        }
        loop {
            let whole = if chunked {
                self.take_chunks(&mut body)?
            } else {
                let wanted = length.unwrap_or(usize::MAX) - body.len();
                let count = wanted.min(self.bytes.len());
                body.extend(self.bytes.drain(..count));
                Some(body.len()) == length
            };
            if body.len() > BODY_LIMIT {
                body.truncate(BODY_LIMIT);
                return Ok((body, true));
            }
            if whole {
                return Ok((body, false));
            }
            if !self.more()? {
                // Where neither a length nor chunks are told, the end of the connection is the end of the body.
                return if chunked || length.is_some() {
                    Err(broke(Failure::Closed, "the connection was closed before the answer was complete"))
                } else {
                    Ok((body, false))
                };
            }
        }
    }

    /// Moves the chunks that have come whole into the body; `true` after the last one. Trailers are not read.
    fn take_chunks(&mut self, body: &mut Vec<u8>) -> Result<bool, Broke> {
        loop {
            let wrong = || broke(Failure::NotHttp, "the answer's chunks cannot be read");
            let (start, size) = match httparse::parse_chunk_size(&self.bytes) {
                Ok(httparse::Status::Complete((start, size))) => (start, size),
                Ok(httparse::Status::Partial) => return Ok(false),
                Err(_) => return Err(wrong()),
            };
            if size == 0 {
                return Ok(true);
            }
            let size = usize::try_from(size).map_err(|_| wrong())?;
            // A chunk that is longer than what is kept is not waited for.
            let size = size.min(BODY_LIMIT + 1);
            let end = start + size;
            if self.bytes.len() < end {
                return Ok(false);
            }
            body.extend_from_slice(&self.bytes[start..end]);
            if body.len() > BODY_LIMIT {
                return Ok(true);
            }
            if self.bytes.len() < end + 2 {
                body.truncate(body.len() - size);
                return Ok(false);
            }
            if &self.bytes[end..end + 2] != b"\r\n" {
                return Err(wrong());
            }
            self.bytes.drain(..end + 2);
        }
    }
}

/// The head of an answer, once all of it has come.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Broke> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let of =
                |field: &httparse::Header| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned());
            let headers = parsed.headers.iter().map(of).collect();
            Ok(Some(Head { status: parsed.code.unwrap_or_default(), headers, length }))
        }
        Err(httparse::Error::TooManyHeaders) => Err(broke(Failure::TooLarge, "the answer has too many headers")),
        Err(error) => Err(broke(Failure::NotHttp, error.to_string())),
    }
}
