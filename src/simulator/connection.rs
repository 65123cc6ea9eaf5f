//! One HTTP/1.1 connection of the simulator's server: takes requests apart, writes answers.
//!
//! Knows nothing of Azure. Every size has a limit, because whoever connects is a stranger.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// The most that request line and headers may take.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;
/// The most that a request's body may take.
const BODY_LIMIT: usize = 1024 * 1024;

/// Anything that can be read from and written to.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A request as it came in.
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// All headers in order.
    pub headers: Vec<(String, String)>,
    /// The body, of as many bytes as its Content-Length says.
    pub body: Vec<u8>,
    /// Does the client want the connection to stay open?
    pub keep: bool,
}

/// A refusal: status code and reason.
pub type Refused = (u16, &'static str);

/// A connection with what has been read ahead.
pub struct Connection<S> {
    stream: S,
    ahead: Vec<u8>,
}

impl<S: Stream> Connection<S> {
    /// Starts with nothing read.
    pub fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    /// Receives the next request; `None` when the client has closed, and a refusal where it sent what is not understood.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn receive(&mut self) -> io::Result<Result<Option<Asked>, Refused>> {
        loop {
            match parse(&self.ahead) {
                Ok(Some((head, mut asked, length))) => {
                    self.ahead.drain(..head);
                    while self.ahead.len() < length {
                        if self.read()? == 0 {
                            return Ok(Ok(None));
                        }
                    }
                    asked.body = self.ahead.drain(..length).collect();
                    return Ok(Ok(Some(asked)));
                }
                Ok(None) if self.ahead.len() > HEAD_LIMIT => {
                    return Ok(Err((431, "Request Header Fields Too Large")));
                }
                Ok(None) => {}
                Err(refused) => return Ok(Err(refused)),
            }
            if self.read()? == 0 {
                return Ok(Ok(None));
            }
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 8 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(count) => {
                    self.ahead.extend_from_slice(&chunk[..count]);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes an answer whose headers already hold its Content-Length.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn answer(
        &mut self,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
        body: &[u8],
        keep: bool,
    ) -> io::Result<()> {
        let mut whole = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
        for (name, value) in headers {
            whole.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !keep && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection")) {
            whole.extend_from_slice(b"Connection: close\r\n");
        }
        whole.extend_from_slice(b"\r\n");
        whole.extend_from_slice(body);
        // At once, so that the answer is one packet where it fits one.
        self.stream.write_all(&whole)?;
        self.stream.flush()
    }

    /// Refuses what is not a request that is understood, and ends.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn refuse(&mut self, status: u16, reason: &str) -> io::Result<()> {
        self.answer(status, reason, &[("Content-Length".to_owned(), "0".to_owned())], b"", false)
    }

    /// Reads on and answers nothing, until the client gives up.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn starve(&mut self) -> io::Result<()> {
        while self.read()? > 0 {
            self.ahead.clear();
        }
        Ok(())
    }
}

/// Takes a connection and says nothing on it, until the client gives up.
pub(super) fn ignore(socket: &TcpStream) -> io::Result<()> {
    Connection::new(socket.try_clone()?).starve()
}

/// The head's length, the request without its body, and the body's length; `None` when more must be read.
fn parse(bytes: &[u8]) -> Result<Option<(usize, Asked, usize)>, Refused> {
    const BAD: Refused = (400, "Bad Request");
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err((431, "Request Header Fields Too Large")),
        Err(_) => return Err(BAD),
    };
    if parsed.version != Some(1) {
        return Err((505, "HTTP Version Not Supported"));
    }
    let mut headers = Vec::with_capacity(parsed.headers.len());
    for field in parsed.headers.iter() {
        // Bytes beyond ASCII are of no concern to any service here.
        headers.push((field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned()));
    }
    let all = |name: &str| -> Vec<&str> {
        headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    };
    if !all("transfer-encoding").is_empty() {
        return Err((411, "Length Required"));
    }
    let length = match all("content-length")[..] {
        [] => 0,
        [one] if one.bytes().all(|byte| byte.is_ascii_digit()) => one.parse::<usize>().map_err(|_| BAD)?,
        _ => return Err(BAD),
    };
    if length > BODY_LIMIT {
        return Err((413, "Content Too Large"));
    }
    let keep = !all("connection").iter().any(|value| value.to_ascii_lowercase().contains("close"));
    let target = parsed.path.unwrap_or("/");
    // Clients of a proxy send the whole URL.
    let target = match target.split_once("://") {
        Some(("http" | "https", rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    };
    let method = parsed.method.unwrap_or_default().to_owned();
    let asked = Asked { method, target: target.to_owned(), headers, body: Vec::new(), keep };
    Ok(Some((head, asked, length)))
}
