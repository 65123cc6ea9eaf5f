//! From bytes to the text that is looked through: a byte-order mark is obeyed, UTF-16 becomes UTF-8, escape sequences of
//! terminals and NUL bytes are dropped. Chunk by chunk; what a chunk cuts in two is kept for the next.

use memchr::memchr2;

/// How the bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// Not known before the first bytes.
    Unknown,
    /// UTF-8, or something like it.
    Utf8,
    /// UTF-16, as PowerShell writes it.
    Utf16 { little: bool },
}

/// An escape sequence that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    /// After ESC.
    Begun,
    /// After `ESC [`: ends with a letter or `@` to `~`.
    Control,
    /// After `ESC ]` and its like: ends with BEL, or ESC and a backslash.
    Text,
    /// An ESC in such a text.
    TextEnding,
}

/// The longest escape sequence that is believed: an ESC in binary data must not swallow a log.
const LONGEST_ESCAPE: usize = 256;

/// Turns chunks of bytes into chunks of text.
#[derive(Debug)]
pub struct Decoder {
    encoding: Encoding,
    escape: Escape,
    escaped: usize,
    /// Bytes that mean something only with those that follow.
    rest: Vec<u8>,
    /// The first half of a UTF-16 surrogate pair.
    high: Option<u16>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { encoding: Encoding::Unknown, escape: Escape::None, escaped: 0, rest: Vec::new(), high: None }
    }
}

impl Decoder {
    /// Appends the text of these bytes.
    pub fn decode(&mut self, chunk: &[u8], text: &mut Vec<u8>) {
        if self.encoding == Encoding::Unknown {
            self.rest.extend_from_slice(chunk);
            if self.rest.len() >= 3 {
                let start = std::mem::take(&mut self.rest);
                self.begin(&start, text);
            }
            return;
        }
        self.go_on(chunk, text);
    }

    /// Appends what is left at the end.
    pub fn finish(&mut self, text: &mut Vec<u8>) {
        if self.encoding == Encoding::Unknown {
            let start = std::mem::take(&mut self.rest);
            self.begin(&start, text);
        }
        if !self.rest.is_empty() || self.high.is_some() {
            text.extend_from_slice("\u{fffd}".as_bytes());
        }
    }

    fn begin(&mut self, start: &[u8], text: &mut Vec<u8>) {
        let (encoding, skip) = match start {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16 { little: true }, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16 { little: false }, 2),
            _ => (Encoding::Utf8, 0),
        };
        self.encoding = encoding;
        self.go_on(&start[skip..], text);
    }

    fn go_on(&mut self, chunk: &[u8], text: &mut Vec<u8>) {
        let Encoding::Utf16 { little } = self.encoding else {
            self.clean(chunk, text);
            return;
        };
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(chunk);
        let pairs = bytes.chunks_exact(2);
        self.rest = pairs.remainder().to_vec();
        let units = pairs.map(|pair| {
            let pair = [pair[0], pair[1]];
            if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
        });
        let mut units: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if let Some(last @ 0xd800..=0xdbff) = units.last().copied() {
            self.high = Some(last);
            units.pop();
        }
        let decoded: String =
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.clean(decoded.as_bytes(), text);
    }

    /// Leaves out escape sequences and NUL bytes. Most logs have none, and are copied as they are.
    fn clean(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.escape == Escape::None {
                let plain = memchr2(0x1b, 0, rest).unwrap_or(rest.len());
                text.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if let Some((first, after)) = rest.split_first() {
                    if *first == 0x1b {
                        self.escape = Escape::Begun;
                        self.escaped = 0;
                    }
                    rest = after;
                }
                continue;
            }
            let byte = rest[0];
            self.escaped += 1;
            let next = match (self.escape, byte) {
                // A line ends, whatever the sequence was to be.
                (_, b'\n' | b'\r') => None,
                (Escape::Begun, b'[') => Some(Escape::Control),
                (Escape::Begun, b']' | b'P' | b'_' | b'^' | b'X') => Some(Escape::Text),
                (Escape::Begun, b' '..=b'/') => Some(Escape::Begun),
                (Escape::Control, b' '..=b'?') => Some(Escape::Control),
                (Escape::Text, 0x1b) => Some(Escape::TextEnding),
                (Escape::Text, 7) => Some(Escape::None),
                (Escape::Text, _) => Some(Escape::Text),
                (Escape::TextEnding, b'\\') => Some(Escape::None),
                (Escape::Begun, b'0'..=b'~') | (Escape::Control, b'@'..=b'~') => Some(Escape::None),
                _ => None,
            };
            match next.filter(|_| self.escaped < LONGEST_ESCAPE) {
                Some(next) => {
                    self.escape = next;
                    rest = &rest[1..];
                }
                // Not a sequence after all: the byte counts.
                None => self.escape = Escape::None,
            }
        }
    }
}

/// The lines that a line holds in escaped form, as JSON logs have them (`\n`, `\"`); none when it holds none.
pub fn unescaped(line: &str) -> Vec<String> {
    let mut text = line.to_owned();
    // A JSON text in a JSON text in a log in JSON.
    for _ in 0..3 {
        let quotes = text.contains("\\\"");
        let breaks = text.contains("\\n") && text.contains(['"', '\'']);
        if !quotes && !breaks {
            break;
        }
        let next = without_one_level(&text);
        if next == text {
            break;
        }
        text = next;
    }
    if text == line { Vec::new() } else { text.lines().map(str::to_owned).collect() }
}

fn without_one_level(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let mut ahead = rest.clone();
        match ahead.next() {
            Some('n') => plain.push('\n'),
            Some('r') => {}
            Some('t') => plain.push('\t'),
            Some(c @ ('"' | '\\' | '/' | '\'')) => plain.push(c),
            Some('u') => {
                let code: String = ahead.by_ref().take(4).collect();
                match u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == 4).and_then(char::from_u32) {
                    Some(c) => plain.push(c),
                    None => {
                        plain.push('\\');
                        continue;
                    }
                }
            }
            _ => {
                plain.push('\\');
                continue;
            }
        }
        rest = ahead;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same text comes out, however the bytes are cut.
    fn decoded(bytes: &[u8]) -> String {
        let at_once = {
            let (mut decoder, mut text) = (Decoder::default(), Vec::new());
            decoder.decode(bytes, &mut text);
            decoder.finish(&mut text);
            text
        };
        for size in 1..6 {
            let (mut decoder, mut text) = (Decoder::default(), Vec::new());
            bytes.chunks(size).for_each(|chunk| decoder.decode(chunk, &mut text));
            decoder.finish(&mut text);
            assert_eq!(text, at_once, "in chunks of {size}");
        }
        String::from_utf8_lossy(&at_once).into_owned()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_byte_order_mark_is_obeyed_and_left_out() {
        let text = "Identität nicht gefunden 🙈\r\nx";
        assert_eq!(decoded(text.as_bytes()), text);
        assert_eq!(decoded(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), text);
        assert_eq!(decoded(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes)), text);
        assert_eq!(decoded(&utf16(&format!("\u{feff}{text}"), u16::to_be_bytes)), text);
    }

    #[test]
    fn what_is_no_text_is_read_as_far_as_it_goes() {
        assert_eq!(decoded(b""), "");
        assert_eq!(decoded(b"a"), "a");
        assert_eq!(decoded(b"caf\xe9 x"), "caf\u{fffd} x");
        assert_eq!(decoded(b"\xff\xfea\0b"), "a\u{fffd}");
        assert_eq!(decoded(b"\xff\xfe\x3d\xd8a\0"), "\u{fffd}a");
        assert_eq!(decoded(b"\xff\xfe\x3d\xd8"), "\u{fffd}");
        // UTF-16 without its mark: nearly all NUL bytes and ASCII.
        assert_eq!(decoded(&utf16("not found", u16::to_le_bytes)), "not found");
    }

    #[test]
    fn escape_sequences_are_dropped_and_never_swallow_a_line() {
        assert_eq!(decoded(b"\x1b[1;31mIdentity\x1b[0m not \x1b(Bfound"), "Identity not found");
        assert_eq!(decoded(b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b"), "ab");
        assert_eq!(decoded(b"a\x1b[31\nb\x1b]title\nc\x1b"), "a\nb\nc");
        assert_eq!(decoded("a\u{1b}é".as_bytes()), "aé");
        let long = format!("\x1b]{}", "x".repeat(1000));
        assert!(decoded(long.as_bytes()).len() > 700);
    }

    #[test]
    fn what_is_escaped_is_offered_unescaped() {
        let inner = r#"{"error":"invalid_request"}"#;
        let once = serde_json::json!({ "msg": format!("failed\n{inner}") }).to_string();
        let twice = serde_json::json!({ "log": once.clone() }).to_string();
        for line in [once, twice] {
            let lines = unescaped(&line);
            assert!(lines.iter().any(|line| line.starts_with(inner)), "{lines:?}");
        }
        assert_eq!(unescaped(r#"msg="a\u00e4\"b\q\u12""#), [r#"msg="aä"b\q\u12""#]);
        for plain in ["", r"C:\new\table", "no \"escapes\"", r"tail\"] {
            assert!(unescaped(plain).is_empty(), "{plain}");
        }
    }
}
