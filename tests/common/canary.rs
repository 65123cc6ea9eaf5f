//! Looks for the simulator's canary: in any shape, in all files of a folder, in archives too.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use midoctor::simulator::CANARY;

/// What the canary says when it is decoded.
const DECODED: &str = "midoctor-canary";
/// How every simulated JWT begins: base64url of `{"typ":"JWT"`.
const JWT: &str = "eyJ0eXAiOiJKV1Qi";

/// What gives a token away: the canary as it is, decoded, encoded once more from each place, in hexadecimal digits and turned
/// round; and the beginning of a token.
pub static SIGNS: LazyLock<Vec<String>> = LazyLock::new(shapes);

pub fn shapes() -> Vec<String> {
    let hex = |text: &str| -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() };
    let inner = |text: &str, skipped: usize| {
        let bytes = &text.as_bytes()[skipped..];
        STANDARD_NO_PAD.encode(&bytes[..bytes.len() / 3 * 3])
    };
    let mut shapes = vec![CANARY.to_owned(), DECODED.to_owned(), JWT.to_owned(), hex(CANARY), hex(DECODED)];
    for skipped in 0..3 {
        shapes.push(inner(CANARY, skipped));
        // Its first place is the canary itself.
        shapes.extend((skipped > 0).then(|| inner(DECODED, skipped)));
    }
    shapes.push(CANARY.chars().rev().collect());
    shapes
}

/// The sign that gives a token away, if one does; in the bytes as they are, and as they read without `\u`, `%` and `&#`.
pub fn leak(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    static ALL: LazyLock<AhoCorasick> = LazyLock::new(|| AhoCorasick::new(SIGNS.iter()).unwrap());
    let found = |text: &str| ALL.find(text).map(|found| SIGNS[found.pattern().as_usize()].clone());
    found(&text).or_else(|| {
        let escapes = text.contains("\\u") || text.contains("%") || text.contains("&#");
        escapes.then(|| found(&unescaped(&text))).flatten()
    })
}

fn unescaped(text: &str) -> String {
    static ESCAPES: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r"\\u(?P<j>[0-9A-Fa-f]{4})|%(?P<p>[0-9A-Fa-f]{2})|&#(?P<d>[0-9]{1,3});").unwrap()
    });
    let number = |found: &regex::Captures| {
        let hex = found.name("j").or(found.name("p")).map(|digits| u32::from_str_radix(digits.as_str(), 16).unwrap());
        hex.or_else(|| found.name("d").map(|digits| digits.as_str().parse().unwrap())).unwrap()
    };
    ESCAPES
        .replace_all(text, |found: &regex::Captures| char::from_u32(number(found)).map_or(String::new(), String::from))
        .into_owned()
}

/// The file that gives a token away, and by what: of all in a folder, by content and by name.
pub fn leak_in_folder(folder: &Path) -> Option<String> {
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        let name = entry.path().display().to_string();
        if let Some(sign) = leak(name.as_bytes()) {
            return Some(format!("{sign} in the name {name}"));
        }
        if !entry.file_type().is_file() {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        if let Some(sign) = leak(&bytes) {
            return Some(format!("{sign} in {name}"));
        }
        if bytes.starts_with(b"PK\x03\x04") {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            for index in 0..archive.len() {
                let mut file = archive.by_index(index).unwrap();
                let mut content = Vec::new();
                file.read_to_end(&mut content).unwrap();
                if let Some(sign) = leak(&content) {
                    return Some(format!("{sign} in {} of {name}", file.name().unwrap()));
                }
            }
        }
    }
    None
}
