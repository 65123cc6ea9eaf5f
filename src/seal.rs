//! Takes secrets out of text: tokens, keys, passwords, whatever names itself a secret or looks like one.
//!
//! [`tokens`] is for answers, whose other secrets are known by their place; [`Sealer`] is for text that somebody pasted, of
//! which nothing is known. When in doubt it seals: a clue less is better than a secret told.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands where a secret stood.
pub const SEAL: &str = "(sealed)";

/// What a JWT looks like, whole or cut off: base64url of `{"`, then more parts, as many as there are: one may follow the other.
static TOKEN_LIKE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_=-]*)*").ok());

/// The signature in the query of a URL, which opens what the URL names to everybody (a shared access signature).
static SIGNATURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?P<key>(?:[?&;]|\\u0026|%3[Ff]|%26)sig(?:=|\\u003[Dd]|%3[Dd]))[^&\s"'\\<>#]+"#).ok()
});

/// Replaces what looks like a JWT, and signatures in URLs.
pub fn tokens(text: &str) -> Cow<'_, str> {
    let text = TOKEN_LIKE.as_ref().map_or(Cow::Borrowed(text), |pattern| pattern.replace_all(text, SEAL));
    let signed = SIGNATURE.as_ref().filter(|pattern| pattern.is_match(&text));
    signed.map(|pattern| pattern.replace_all(&text, format!("${{key}}{SEAL}")).into_owned()).map_or(text, Cow::Owned)
}

/// A name that a secret follows, what stands between, and the secret: quoted inside a quoted text, quoted, or bare.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<key>(?i-u:[a-z0-9_.-]*(?:(?:access|refresh|id|sas|bearer)[_-]?token|secret|passw(?:or)?d|assertion",
        r"|(?:account|shared|access|api|storage|subscription|functions|primary|secondary|master|private)[_-]?key",
        r"|identity[_-]header)|\b(?:pwd|sig)))",
        r#"(?P<between>\\*["']?\s*(?:[:=]|%3[ADad]|=>|>)[\s\[]*)"#,
        r#"(?P<value>\\"(?:[^"\\]|\\{2,}.)*|\\{3}"(?:[^"\\]|\\{1,2}[^"\\]|\\{4,}.)*|\\+"[^"\\]*|\\+'[^'\\]*|"(?:[^"\\]|\\.)*|'(?:[^'\\]|\\.)*|[^\s"'&;<>]+)"#
    ))
    .ok()
});

/// A secret after a flag, as a word of its own: `--client-secret X`, and `-p X` of `az login`.
static FLAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?P<key>(?:(?:^|[\s"'])--(?i-u:[a-z-]*(?:passw(?:or)?d|secret|token|key))|\b(?i-u:az login)\b.*?\s-p)["']?[\s,=]+["']?)"#,
        r#"(?P<value>[^\s"',-][^\s"',]*)"#
    ))
    .ok()
});

/// A long value with digits after a name that is often harmless: `token='…'`, `?code=…` of Azure Functions.
static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?P<key>\b(?i-u:token|code|header)\\*["']?\s*[:=]\s*\\*["']?)(?P<value>[A-Za-z0-9%+/=_~.-]{16,})"#)
        .ok()
});

/// A header that holds credentials, the scheme, and the rest.
static HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?P<key>(?i-u:(?:\b|_)authorization(?:-auxiliary)?|\bcookie)\\*["']?\s*[:=][\s\["'\\]*)"#,
        r"(?P<scheme>(?i-u:bearer|basic|sharedkey|sharedkeylite|sharedaccesssignature|negotiate|ntlm|digest|pop|token|aad|aws4-[a-z0-9-]+)\s+)?",
        r#"(?P<value>[^\s"'\\]+)(?P<rest>.*)"#
    ))
    .ok()
});

/// `Bearer` and what follows it, where no header says so.
static BEARER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?P<scheme>\b(?i-u:bearer|sharedkey|basic)\s+)(?P<value>[A-Za-z0-9._~+/=-]{16,})").ok()
});

/// A name and a password before a host.
static USER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"://(?:(?P<name>[^\s@:/"'<>]*):(?P<password>[^\s"'<>]*)|[^\s@:/"'<>?#]+)@"#).ok());

/// What is a secret by its looks: a JWT cut in front, three parts of base64, the keys of storage and Service Bus, a client
/// secret of Microsoft Entra ID, a long run of random letters.
static LOOKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<sure>[A-Za-z0-9_-]*\.?eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_=-]*)*",
        r"|[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{20,})",
        r"|(?P<mixed>[A-Za-z0-9+/]{43,}={1,2}|[A-Za-z0-9+/]{43,}(?:%3[Dd]){1,2}",
        r"|[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_=-]*)*|[A-Za-z0-9_-]{60,})"
    ))
    .ok()
});

/// A PEM block that begins and ends in one line, or goes on.
static PEM: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:(?P<end>-----END [A-Z0-9 ]+-----)|$)").ok());

/// A secret that goes on at the start of a line.
static GOES_ON: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*(?P<run>[A-Za-z0-9+/=_.~-]{8,})").ok());

/// No PEM block is longer than so many lines.
const LONGEST_BLOCK: usize = 200;

/// Takes the secrets out of the lines of a text, one after the other.
#[derive(Debug, Default)]
pub struct Sealer {
    /// Lines left of a PEM block that has begun.
    block: usize,
    /// The last line ended in a secret, which may go on.
    goes_on: bool,
}

impl Sealer {
    /// A sealer for a text that may begin in the middle of a secret.
    pub fn in_the_middle() -> Self {
        Self { block: 0, goes_on: true }
    }

    /// The line without its secrets.
    pub fn line(&mut self, line: &str) -> String {
        let sealed = self.without_secrets(line);
        // Whatever it was that ended in a secret, so that a text that was sealed is sealed the same again.
        self.goes_on = sealed.trim_end().ends_with(SEAL);
        sealed
    }

    fn without_secrets(&mut self, line: &str) -> String {
        // A block that ended in this line was a secret from its beginning on, wherever that was.
        let after =
            || line.rsplit_once("-----END ").map(|(_, after)| after.split_once("-----").map_or("", |(_, rest)| rest));
        if self.block > 0 {
            self.block -= 1;
            if let Some(after) = after() {
                self.block = 0;
                return format!("{SEAL}{}", self.outside_of_blocks(after));
            }
            if line.trim().is_empty() || line.split_whitespace().last().is_some_and(is_of_a_block) {
                return SEAL.into();
            }
            // A line that is damaged may be a part of it all the same: the secret goes on.
            self.block = 0;
        }
        if let Some(after) = after().filter(|_| !line.contains("-----BEGIN ")) {
            return format!("{SEAL}{}", self.outside_of_blocks(after));
        }
        self.outside_of_blocks(line)
    }

    fn outside_of_blocks(&mut self, line: &str) -> String {
        let line = replaced(&PEM, line, |found| {
            if found.name("end").is_none() {
                self.block = LONGEST_BLOCK;
            }
            SEAL.into()
        });
        sealed(&self.continued(&line))
    }

    /// Seals what goes on from the line before, and a line that is nothing but letters.
    fn continued<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let whole = line.trim();
        if whole.len() >= 40 && is_of_a_block(whole) && is_mixed(whole) {
            return Cow::Borrowed(SEAL);
        }
        if !self.goes_on {
            return Cow::Borrowed(line);
        }
        replaced(&GOES_ON, line, |found| {
            let run = &found["run"];
            let is_secret = run.len() == whole.len() || (run.len() >= 16 && is_mixed(run));
            if is_secret { SEAL.into() } else { found[0].to_owned() }
        })
    }
}

/// One text without its secrets.
pub fn text(text: &str) -> String {
    let mut sealer = Sealer::default();
    text.split('\n').map(|line| sealer.line(line)).collect::<Vec<_>>().join("\n")
}

/// Seals the part of a PEM block that ends in this line and whose beginning was not in the text.
pub fn block_before(lines: &mut [String], end: usize) {
    let body = |line: &str| line.split_whitespace().last().is_some_and(|word| word.len() >= 40 && is_of_a_block(word));
    for line in lines[..end].iter_mut().rev().take_while(|line| body(line)) {
        *line = SEAL.into();
    }
}

/// Does a PEM block end in this line?
pub fn ends_a_block(line: &str) -> bool {
    line.contains("-----END ")
}

fn sealed(line: &str) -> String {
    let line = replaced(&HEADER, line, |found| {
        let (key, value) = (&found["key"], &found["value"]);
        let rest = found.name("rest").map_or("", |rest| rest.as_str());
        let scheme = found.name("scheme").map(|scheme| scheme.as_str());
        let before = before(found);
        let all = scheme.is_some_and(|scheme| scheme.trim_end().eq_ignore_ascii_case("digest"))
            || key.get(..6).is_some_and(|key| key.eq_ignore_ascii_case("cookie"));
        match scheme {
            _ if all => format!("{key}{}{SEAL}", scheme.unwrap_or_default()),
            None if is_prose(before, line, value, rest) => found[0].to_owned(),
            scheme => format!("{key}{}{SEAL}{rest}", scheme.unwrap_or_default()),
        }
    });
    let line = replaced(&NAMED, &line, |found| {
        let (key, between, value) = (&found["key"], &found["between"], &found["value"]);
        let quote: String = value.chars().take_while(|c| matches!(c, '\\' | '"' | '\'')).collect();
        let after = found.get(0).map_or("", |all| line.get(all.end()..).unwrap_or_default());
        let empty = quote.len() == value.len();
        let named_only = between.contains(':') && quote.is_empty() && is_prose(before(found), &line, value, after);
        if empty || value.starts_with(SEAL) || (named_only && !key.to_ascii_lowercase().contains("passw")) {
            return found[0].to_owned();
        }
        format!("{key}{between}{quote}{SEAL}")
    });
    let line = replaced(&FLAG, &line, |found| format!("{}{SEAL}", &found["key"]));
    let line = replaced(&LONG, &line, |found| {
        let secret = found["value"].contains(|c: char| c.is_ascii_digit());
        if secret { format!("{}{SEAL}", &found["key"]) } else { found[0].to_owned() }
    });
    let line = replaced(&USER, &line, |found| {
        let is_port = found.name("password").is_some_and(|password| {
            let rest = password.as_str().trim_start_matches(|c: char| c.is_ascii_digit());
            rest.len() < password.len() && rest.starts_with('/')
        });
        if is_port { found[0].to_owned() } else { format!("://{SEAL}@") }
    });
    let line = replaced(&BEARER, &line, |found| {
        let secret = found["value"].contains(|c: char| c.is_ascii_digit());
        if secret { format!("{}{SEAL}", &found["scheme"]) } else { found[0].to_owned() }
    });
    let line = replaced(&LOOKS, &line, |found| {
        let is_secret = found.name("mixed").is_none_or(|run| is_mixed(run.as_str()) || run.as_str().contains("eyJ"));
        if is_secret { SEAL.into() } else { found[0].to_owned() }
    });
    line.into_owned()
}

fn replaced<'a>(pattern: &LazyLock<Option<Regex>>, text: &'a str, by: impl FnMut(&Captures) -> String) -> Cow<'a, str> {
    pattern.as_ref().map_or(Cow::Borrowed(text), |pattern| pattern.replace_all(text, by))
}

/// Where the match begins.
fn before(found: &Captures) -> usize {
    found.get(0).map_or(0, |all| all.start())
}

/// Does a sentence go on here, as in “cannot get secret: connection refused”? The name stands behind another word, and what
/// follows is a word, an address, or a part of a longer message.
fn is_prose(start: usize, line: &str, value: &str, after: &str) -> bool {
    let behind_a_word = line.get(..start).is_some_and(|before| {
        let trimmed = before.trim_end_matches(' ');
        trimmed.len() < before.len() && trimmed.ends_with(|c: char| c.is_alphabetic() || c == ')')
    }) || line
        .get(start..)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()) && rest.contains('#'))
        || line.get(start..).and_then(|rest| rest.split(':').next()).is_some_and(|key| key.contains('.'));
    let is_word = !value.is_empty() && value.len() <= 20 && value.chars().all(char::is_alphabetic);
    let goes_on = after.trim_start().starts_with(|c: char| c.is_alphabetic() || matches!(c, '"' | '(' | '[' | '='));
    let is_part = value.ends_with(':') && !value.contains(|c: char| c.is_ascii_digit());
    let is_status = value.split_once('=').is_some_and(|(name, number)| {
        name.chars().all(char::is_alphabetic) && number.len() <= 4 && number.chars().all(|c| c.is_ascii_digit())
    });
    behind_a_word && ((is_word && goes_on) || is_part || is_status || value.starts_with("http"))
}

/// Small and capital letters and digits, as in what is random.
fn is_mixed(text: &str) -> bool {
    let has = |what: fn(&char) -> bool| text.chars().any(|c| what(&c));
    has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit)
}

/// Could it be a part of a block of base64?
fn is_of_a_block(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-".contains(c))
}
