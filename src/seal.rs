//! Takes secrets out of text: tokens, keys, passwords, whatever names itself a secret or looks like one.
//!
//! [`tokens`] is for answers, whose other secrets are known by their place; [`Sealer`] is for text that somebody pasted, of
//! which nothing is known. When in doubt it seals: a clue less is better than a secret told.

mod patterns;

use std::borrow::Cow;

use patterns::{
    ALONE, AWAITS, BEARER, COLUMNS, FIELD, FLAG, GOES_ON, HEADER, LONG, LOOKS, MORE, NAMED, OF_A_SECRET, PARAMETERS,
    PEM, PROXY, Pattern, SIGNATURE, TOKEN_LIKE, TUPLE, USER, USER_FLAG, WORDS,
};
use regex::Captures;

/// What stands where a secret stood.
pub const SEAL: &str = "(sealed)";

/// Replaces what looks like a JWT, and signatures in URLs.
pub fn tokens(text: &str) -> Cow<'_, str> {
    let text = TOKEN_LIKE.replace_all(text, SEAL);
    if !SIGNATURE.is_match(&text) {
        return text;
    }
    Cow::Owned(SIGNATURE.replace_all(&text, format!("${{key}}{SEAL}")).into_owned())
}

/// No PEM block is longer than so many lines.
const LONGEST_BLOCK: usize = 200;

/// The value of a pair stands no more than so many lines below its name.
const LONGEST_PAIR: usize = 4;

/// A text is sealed no more than so many times over until nothing changes any more. Two is the rule.
const PASSES: usize = 8;

/// Takes the secrets out of the lines of a text, one after the other.
#[derive(Debug, Default)]
pub struct Sealer {
    /// Lines left of a PEM block that has begun.
    block: usize,
    /// The last line ended in a secret, which may go on.
    goes_on: bool,
    /// Lines left in which the value of a pair may come whose name is one of a secret.
    pair: usize,
    /// The last line ended in the name of a secret, whose value is the next.
    awaits: bool,
}

impl Sealer {
    /// A sealer for a text that may begin in the middle of a secret.
    pub fn in_the_middle() -> Self {
        Self { goes_on: true, ..Self::default() }
    }

    /// The line without its secrets.
    pub fn line(&mut self, line: &str) -> String {
        let sealed = self.without_secrets(line);
        // Whatever it was that ended in a secret, so that a text that was sealed is sealed the same again.
        self.goes_on = sealed.trim_end().ends_with(SEAL);
        self.awaits = AWAITS.is_match(line);
        sealed
    }

    fn without_secrets(&mut self, line: &str) -> String {
        if self.block > 0 {
            self.block -= 1;
            // A block that ends in this line was a secret from its beginning on, wherever that was.
            if let Some(after) = after_block(line) {
                self.block = 0;
                return format!("{SEAL}{}", self.outside_of_blocks(after));
            }
            if line.trim().is_empty() || line.split_whitespace().last().is_some_and(is_of_a_block) {
                return SEAL.into();
            }
            // A line that is damaged may be a part of it all the same: the secret goes on.
            self.block = 0;
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
        // What ends here and did not begin here began before.
        let (seal, line) = after_block(&line).map_or(("", &*line), |after| (SEAL, after));
        let line = self.continued(line);
        format!("{seal}{}", sealed(&self.pairs(&line)))
    }

    /// Seals the values of pairs whose names say that they are secrets; the name stands before, perhaps in a line before.
    fn pairs<'a>(&mut self, line: &'a str) -> Cow<'a, str> {
        self.pair = self.pair.saturating_sub(1);
        replaced(&FIELD, line, |found| {
            let (key, value) = (&found["key"], &found["value"]);
            let is_pair = self.pair > 0;
            if key.eq_ignore_ascii_case("value") {
                self.pair = 0;
                let quote = quote(value);
                let secret = is_pair && quote.len() < value.len() && !value.starts_with(SEAL);
                return if secret { format!("{key}{}{quote}{SEAL}", &found["between"]) } else { found[0].to_owned() };
            }
            let names_a_secret = key.len() > "name".len() || OF_A_SECRET.is_match(value);
            self.pair = if names_a_secret { LONGEST_PAIR + 1 } else { 0 };
            found[0].to_owned()
        })
    }

    /// Seals what goes on from the line before, and a line that is nothing but letters.
    fn continued<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let whole = line.trim();
        if whole.len() >= 40 && is_of_a_block(whole) && is_mixed(whole) {
            return Cow::Borrowed(SEAL);
        }
        if self.awaits {
            return replaced(&ALONE, line, |found| {
                let quote = found.name("quote").map_or("", |quote| quote.as_str());
                format!("{}{quote}{SEAL}{}", &found["key"], &found["after"])
            });
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

/// One text without its secrets. Sealed again it stays the same: what one pass uncovers the next one seals.
pub fn text(text: &str) -> String {
    let mut sealed = once(text);
    for _ in 1..PASSES {
        let again = once(&sealed);
        if again == sealed {
            break;
        }
        sealed = again;
    }
    sealed
}

fn once(text: &str) -> String {
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

/// What stands behind the last end of a PEM block in this line.
fn after_block(line: &str) -> Option<&str> {
    let (_, after) = line.rsplit_once("-----END ")?;
    Some(after.split_once("-----").map_or("", |(_, rest)| rest))
}

/// Seals what stands in headers that hold credentials.
fn headers(line: &str) -> Cow<'_, str> {
    if !HEADER.is_match(line) {
        return Cow::Borrowed(line);
    }
    let (mut sealed, mut at) = (String::with_capacity(line.len()), 0);
    while let Some(found) = HEADER.captures_at(line, at) {
        let (start, end) = found.get(0).map_or((at, line.len()), |all| (all.start(), all.end()));
        let (key, value, rest) = (&found["key"], &found["value"], &line[end..]);
        let scheme = found.name("scheme").map(|scheme| scheme.as_str());
        let all = scheme.is_some_and(|scheme| scheme.trim_end().eq_ignore_ascii_case("digest"))
            || key.get(..6).is_some_and(|key| key.eq_ignore_ascii_case("cookie"));
        sealed.push_str(&line[at..start]);
        at = end;
        if !all && scheme.is_none() && is_prose(start, line, value, rest) {
            sealed.push_str(&found[0]);
            continue;
        }
        sealed.extend([key, scheme.unwrap_or_default(), SEAL]);
        if all {
            return Cow::Owned(sealed);
        }
        let further = MORE.find(rest).map_or(0, |more| more.end());
        // What follows a whole token is another part of the log; what follows the name of a scheme is not.
        let takes_parameters = scheme.map_or_else(
            || value.len() <= 20 && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            |scheme| !["bearer", "basic", "negotiate", "ntlm"].contains(&&*scheme.trim_end().to_ascii_lowercase()),
        );
        let found = (takes_parameters && further == 0).then(|| PARAMETERS.find(rest)).flatten();
        at += found.map_or(further, |parameters| parameters.end());
    }
    sealed.push_str(&line[at..]);
    Cow::Owned(sealed)
}

fn sealed(line: &str) -> String {
    let line = headers(line);
    let line = replaced(&SIGNATURE, &line, |found| format!("{}{SEAL}", &found["key"]));
    let line = replaced(&WORDS, &line, |found| format!("{}{SEAL};", &found["key"]));
    let line = replaced(&NAMED, &line, |found| {
        let (key, between, value) = (&found["key"], &found["between"], &found["value"]);
        let quote = quote(value);
        let after = found.get(0).map_or("", |all| line.get(all.end()..).unwrap_or_default());
        let empty = quote.len() == value.len();
        let named_only = between.contains(':') && quote.is_empty() && is_prose(before(found), &line, value, after);
        if empty || value.starts_with(SEAL) || (named_only && !key.to_ascii_lowercase().contains("passw")) {
            return found[0].to_owned();
        }
        // Behind what is quoted nothing of the value follows.
        let all = found.get(0).map_or("", |all| all.as_str());
        let tail = if quote.is_empty() {
            found.name("stop").map_or("", |stop| stop.as_str())
        } else {
            &all[key.len() + between.len() + value.len()..]
        };
        format!("{key}{between}{quote}{SEAL}{tail}")
    });
    let line = replaced(&TUPLE, &line, |found| {
        let after = found.get(0).and_then(|all| line.get(all.end()..)).unwrap_or_default();
        let names = after.trim_start_matches(['"', '\'', ' ']).starts_with([':', '=']);
        let (key, value) = (&found["key"], &found["value"]);
        if names || value.len() == 1 { found[0].to_owned() } else { format!("{key}{}{SEAL}", quote(value)) }
    });
    let line = replaced(&COLUMNS, &line, |found| format!("{}{SEAL}", &found["key"]));
    let line = replaced(&FLAG, &line, |found| {
        let (key, value) = (&found["key"], &found["value"]);
        let quote = quote(value);
        if quote.len() == value.len() { found[0].to_owned() } else { format!("{key}{quote}{SEAL}") }
    });
    let line = replaced(&USER_FLAG, &line, |found| {
        let is_url = found["password"].starts_with("//");
        if is_url { found[0].to_owned() } else { format!("{}{SEAL}", &found["key"]) }
    });
    let line = replaced(&PROXY, &line, |found| format!("{}{SEAL}@", &found["key"]));
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

fn replaced<'a>(pattern: &Pattern, text: &'a str, by: impl FnMut(&Captures) -> String) -> Cow<'a, str> {
    pattern.replace_all(text, by)
}

/// What opens a quoted value: the quote, with the letters and backslashes before it; nothing of a bare one.
fn quote(value: &str) -> &str {
    let bare = value.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let start = if bare.starts_with(['"', '\'']) { bare } else { value };
    let inner = start.trim_start_matches(['\\', '"', '\'']);
    if inner.len() == start.len() { "" } else { &value[..value.len() - inner.len()] }
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
