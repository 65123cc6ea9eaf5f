//! What secrets look like in a line of text, as patterns; what is done with a match is not decided here.
//!
//! Each is compiled when it is first used. The names and the forms of a value are written once and put together.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::pattern;

/// A pattern that is compiled when it is first used.
pub type Pattern = LazyLock<Regex>;

/// Compiles a pattern, in which `NAMES`, `VALUE`, `SCHEME` and `DOT` stand for what they are below.
fn compiled(text: &str) -> Regex {
    let text =
        text.replace("{NAMES}", NAMES).replace("{VALUE}", VALUE).replace("{SCHEME}", SCHEME).replace("{DOT}", DOT);
    pattern(&text)
}

/// The names of secrets, or their ends.
const NAMES: &str = concat!(
    r"(?i-u:[a-z0-9_.-]*(?:(?:access|refresh|id|sas|bearer)[_-]?token|secret|passw(?:or)?d|passphrase|assertion|_pat",
    r"|(?:account|shared|access|api|storage|subscription|functions|primary|secondary|master|private|instrumentation)[_-]?key",
    r"|identity[_-]header|device[_-]?code)|\b(?:pwd|sig))"
);

/// A value: quoted inside a quoted text, quoted (perhaps with the letter of Python's bytes or SQL's texts), in braces, or bare.
const VALUE: &str = concat!(
    r#"(?P<value>\\"(?:[^"\\]|\\{2,}.)*|\\{3}"(?:[^"\\]|\\{1,2}[^"\\]|\\{4,}.)*|\\+"[^"\\]*|\\+'[^'\\]*"#,
    r#"|[bBuUrRN]{0,2}"(?:[^"\\]|\\.)*|[bBuUrRN]{0,2}'(?:[^'\\]|\\.)*|\{[^{}"']+\}|[^\s"'&;<>]+)"#
);

/// The schemes of a header that holds credentials.
const SCHEME: &str = "(?i-u:bearer|basic|sharedkey|sharedkeylite|sharedaccesssignature|negotiate|ntlm|digest|pop|token|aad|aws4-[a-z0-9-]+|hmac-[a-z0-9-]+)";

/// What stands between the parts of a JWT, as it is or percent-encoded.
const DOT: &str = r"(?:\.|%(?:25)?2[Ee])";

/// What a JWT looks like, whole or cut off: base64url of `{"`, then more parts, as many as there are: one may follow the other.
pub static TOKEN_LIKE: Pattern = LazyLock::new(|| compiled(r"eyJ[A-Za-z0-9_-]{8,}(?:{DOT}[A-Za-z0-9_=-]*)*"));

/// The signature in the query of a URL, which opens what the URL names to everybody (a shared access signature).
pub static SIGNATURE: Pattern =
    LazyLock::new(|| compiled(r#"(?P<key>(?:[?&;]|\\u0026|%3[Ff]|%26)sig(?:=|\\u003[Dd]|%3[Dd]))[^&\s"'\\<>#]+"#));

/// A name that a secret follows, what stands between, and the secret. A bare one may hold a semicolon, unless another name
/// and its `=` follow.
pub static NAMED: Pattern = LazyLock::new(|| {
    compiled(concat!(
        r#"(?P<key>{NAMES})(?P<between>\\*["']?\s*(?::=|==|=>|[:=]|%3[ADad]|>)[\s\[]*){VALUE}"#,
        r#"(?:(?:;[^\s"'&;<>=]+)+(?P<stop>[\s"'<>;]|$))?"#
    ))
});

/// A password of several words, in a connection string.
pub static WORDS: Pattern =
    LazyLock::new(|| compiled(r#"(?P<key>(?i-u:passw(?:or)?d|\bpwd)\s*=\s*)[^\s"'&;<>={(]+(?: [^\s"'&;<>=]+){1,4};"#));

/// A name and its secret, both quoted, as the first two of a list or a call.
pub static TUPLE: Pattern = LazyLock::new(|| {
    compiled(concat!(
        r#"(?P<key>[(\[]\s*[bBuUrRN]{0,2}["']{NAMES}["']\s*,\s*[bBuUrRN]{0,2})"#,
        r#"(?P<value>"(?:[^"\\]|\\.)*|'(?:[^'\\]|\\.)*)"#
    ))
});

/// A name in the first column of a table, and the other columns.
pub static COLUMNS: Pattern = LazyLock::new(|| compiled(r"^(?P<key>\s*{NAMES}(?:\t| {2,}))[^\s:=].*"));

/// The name or the value of a pair that says which is which: `"name": …, "value": …`.
pub static FIELD: Pattern =
    LazyLock::new(|| compiled(r#"(?P<key>\b(?i-u:key_?name|name|key|value))(?P<between>\\*["']?\s*[:=>]\s*){VALUE}"#));

/// The name in such a pair is one of a secret.
pub static OF_A_SECRET: Pattern =
    LazyLock::new(|| compiled(r#"(?:{NAMES}|(?i-u:authorization|cookie))[\\"',]*\}*,?$"#));

/// A name whose value is still to come at the end of the line.
pub static AWAITS: Pattern = LazyLock::new(|| compiled(r#"{NAMES}\\*["']?\s*(?::=|=>|[:=])\s*(?:[|>][+-]?)?\s*$"#));

/// A line that is one value and nothing else.
pub static ALONE: Pattern = LazyLock::new(|| {
    compiled(r#"^(?P<key>\s*)(?:(?P<quote>\\*["']).+?|[^\s"'{}\[\]<>:]+?)(?P<after>[\\"',;\s}\]]*)$"#)
});

/// A secret after a flag, as a word of its own: `--client-secret X`, `-p X` of `az login` and `sshpass`, and what PowerShell
/// makes a secure string of.
pub static FLAG: Pattern = LazyLock::new(|| {
    compiled(concat!(
        r#"(?P<key>(?:(?:^|[\s"'])--(?i-u:[a-z-]*(?:passw(?:or)?d|passphrase|secret|token|key))|\b(?i-u:az login)\b.*?\s-p"#,
        r#"|\bsshpass\s+-p|\b(?i-u:convertto-securestring)(?:\s+-(?i-u:string|asplaintext|force))*)["']?[\s,=]+)"#,
        r#"(?P<value>"[^"]*|'[^']*|[^\s"',-][^\s"',]*)"#
    ))
});

/// A name and a password after a flag: `curl -u user:password`.
pub static USER_FLAG: Pattern = LazyLock::new(|| {
    compiled(r#"(?P<key>(?:^|[\s"'])(?:-[uU]|--(?:proxy-)?user)["']?[\s,=]*["']?)[^\s:"',]+:(?P<password>[^\s"']+)"#)
});

/// A name and a password before a proxy that is given without a scheme.
pub static PROXY: Pattern = LazyLock::new(|| {
    compiled(r#"(?P<key>(?i-u:proxy)\\*["']?\s*[:=]\s*\\*["']?)[^\s"'<>/:@=]+:(?:[^/\s"'<>]|/[^/\s"'<>])[^\s"'<>]*@"#)
});

/// A long value with digits after a name that is often harmless: `token='…'`, `?code=…` of Azure Functions.
pub static LONG: Pattern = LazyLock::new(|| {
    compiled(r#"(?P<key>\b(?i-u:token|code|header)\\*["']?\s*[:=]\s*\\*["']?)(?P<value>[A-Za-z0-9%+/=_~.-]{16,})"#)
});

/// A header that holds credentials, the scheme, and the first word of them.
pub static HEADER: Pattern = LazyLock::new(|| {
    compiled(concat!(
        r#"(?P<key>(?i-u:(?:\b|_)authorization(?:-auxiliary)?|\bcookie)\\*["']?\s*[:=][\s\["'\\]*)"#,
        r#"(?P<scheme>{SCHEME}\s+)?(?P<value>[^\s"'\\]+)"#
    ))
});

/// Another scheme, and what follows it, behind the first word of such a header.
pub static MORE: Pattern = LazyLock::new(|| compiled(r#"^(?:,?\s*{SCHEME}\s+[^\s"'\\]+)+"#));

/// Parameters in such a header: two, or one that names a secret.
pub static PARAMETERS: Pattern = LazyLock::new(|| {
    compiled(concat!(
        r#"^,?\s*[A-Za-z_-]+=(?:\\*"[^"\\]*\\*"|[^\s"'\\,&;]*)(?:[,&;]\s*[A-Za-z_-]+=(?:\\*"[^"\\]*\\*"|[^\s"'\\,&;]*))+"#,
        r#"|^,?\s*(?i-u:signature|credential|response|mac)=(?:\\*"[^"\\]*\\*"|[^\s"'\\,&;]*)"#
    ))
});

/// `Bearer` and what follows it, where no header says so.
pub static BEARER: Pattern =
    LazyLock::new(|| compiled(r"(?P<scheme>\b(?i-u:bearer|sharedkey|basic)\s+)(?P<value>[A-Za-z0-9._~+/=-]{16,})"));

/// A name and a password before a host.
pub static USER: Pattern =
    LazyLock::new(|| compiled(r#"://(?:(?P<name>[^\s@:/"'<>]*):(?P<password>[^\s"'<>]*)|[^\s@:/"'<>?#]+)@"#));

/// What is a secret by its looks: a JWT cut in front, three parts of base64, the keys of storage and Service Bus, a client
/// secret of Microsoft Entra ID, a token of GitHub, a long run of random letters.
pub static LOOKS: Pattern = LazyLock::new(|| {
    compiled(concat!(
        r"(?P<sure>[A-Za-z0-9_-]*{DOT}?eyJ[A-Za-z0-9_-]{8,}(?:{DOT}[A-Za-z0-9_=-]*)*",
        r"|[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{20,}|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_-]{20,})",
        r"|(?P<mixed>[A-Za-z0-9+/]{43,}={1,2}|[A-Za-z0-9+/]{43,}(?:%3[Dd]){1,2}",
        r"|[A-Za-z0-9_-]{16,}{DOT}[A-Za-z0-9_-]{16,}{DOT}[A-Za-z0-9_-]{16,}(?:{DOT}[A-Za-z0-9_=-]*)*|[A-Za-z0-9_-]{60,})"
    ))
});

/// A PEM block that begins and ends in one line, or goes on.
pub static PEM: Pattern =
    LazyLock::new(|| compiled(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:(?P<end>-----END [A-Z0-9 ]+-----)|$)"));

/// A secret that goes on at the start of a line.
pub static GOES_ON: Pattern = LazyLock::new(|| compiled(r"^\s*(?P<run>[A-Za-z0-9+/=_.~-]{8,})"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        let all = [
            &TOKEN_LIKE,
            &SIGNATURE,
            &NAMED,
            &WORDS,
            &TUPLE,
            &COLUMNS,
            &FIELD,
            &OF_A_SECRET,
            &AWAITS,
            &ALONE,
            &FLAG,
            &USER_FLAG,
            &PROXY,
            &LONG,
            &HEADER,
            &MORE,
            &PARAMETERS,
            &BEARER,
            &USER,
            &LOOKS,
            &PEM,
            &GOES_ON,
        ];
        crate::pattern::are_all_of(include_str!("patterns.rs"), &all);
    }
}
