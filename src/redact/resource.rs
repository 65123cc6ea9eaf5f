//! Resource IDs of Azure Resource Manager inside any text, plain or percent-encoded: which of their parts are names.

use super::names::{Kind, Names};

/// A part of a path as it stands, and what it says.
struct Part<'a> {
    /// Where it ends.
    end: usize,
    raw: &'a str,
    decoded: String,
}

/// Signs that no name in Azure has, and that end an ID in a sentence, in a query or in JSON.
const ENDS: &[char] =
    &['"', '\'', '<', '>', '?', '&', '#', ',', ';', '|', '\\', '`', '“', '”', '{', '}', '[', ']', '='];

/// The character here, with the number of bytes that it takes: a percent sign with two digits is one byte of it.
fn sign(text: &str) -> Option<(Option<char>, u8, usize)> {
    if let Some(byte) = text.strip_prefix('%').and_then(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok()) {
        return Some((byte.is_ascii().then(|| char::from(byte)), byte, 3));
    }
    text.chars().next().map(|c| (Some(c), 0, c.len_utf8()))
}

/// The part that begins here, up to the next slash or to the end of the ID.
fn part(text: &str, start: usize) -> Part<'_> {
    let (mut at, mut bytes) = (start, Vec::new());
    while let Some((c, byte, length)) = sign(&text[at..]) {
        match c {
            Some('/') => break,
            Some(c) if c.is_whitespace() || c.is_control() || ENDS.contains(&c) => break,
            Some(c) if length != 3 || !text[at..].starts_with('%') => bytes.extend(c.to_string().bytes()),
            _ => bytes.push(byte),
        }
        at += length;
    }
    let mut raw = &text[start..at];
    // A full stop, a colon or a bracket behind it belongs to the sentence; no name ends so.
    loop {
        let shorter = match raw.strip_suffix(['.', ':']) {
            Some(shorter) => shorter,
            None => match raw.strip_suffix(')') {
                Some(shorter) if !raw.contains('(') => shorter,
                _ => break,
            },
        };
        raw = shorter;
        bytes.truncate(bytes.len().saturating_sub(1));
    }
    Part { end: start + raw.len(), raw, decoded: String::from_utf8_lossy(&bytes).into_owned() }
}

/// The slash here, plain or encoded.
fn slash(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let encoded = rest.get(..3).is_some_and(|three| three.eq_ignore_ascii_case("%2f"));
    if rest.starts_with('/') { Some(at + 1) } else { encoded.then_some(at + 3) }
}

/// What stands for the resource ID that begins at the start of the text, with a slash, and how much of the text that is.
pub fn replaced(text: &str, names: &mut Names) -> (usize, String) {
    let (mut done, mut at) = (String::new(), 0);
    let mut expects = Expects::Key;
    let mut parent = String::new();
    while let Some(start) = slash(text, at) {
        let found = part(text, start);
        if found.raw.is_empty() {
            break;
        }
        done.push_str(&text[at..start]);
        let key = found.decoded.to_ascii_lowercase();
        let keep = || found.raw.to_owned();
        let (next, stands) = match &expects {
            Expects::Key | Expects::Type if key == "providers" => (Expects::Namespace, keep()),
            Expects::Namespace => (Expects::Type, keep()),
            Expects::Key | Expects::Type => (Expects::Name(key.clone()), keep()),
            Expects::Name(kind) => {
                let stands = named(kind, &parent, &found, names);
                parent.clone_from(kind);
                (Expects::Type, stands)
            }
        };
        expects = next;
        done.push_str(&stands);
        at = found.end;
    }
    (at, done)
}

/// What comes next in an ID.
enum Expects {
    /// `subscriptions`, `resourceGroups`.
    Key,
    /// `Microsoft.Compute`.
    Namespace,
    /// `virtualMachines`.
    Type,
    /// A name of this type.
    Name(String),
}

/// What stands for a name of this type.
fn named(kind: &str, parent: &str, part: &Part, names: &mut Names) -> String {
    let name = part.decoded.as_str();
    if let Some(guid) = super::text::guid(name, names) {
        return guid;
    }
    let kind = match kind {
        "resourcegroups" => Kind::Group,
        // An instance of a scale set is a number.
        "virtualmachines" if parent == "virtualmachinescalesets" && name.bytes().all(|byte| byte.is_ascii_digit()) => {
            return part.raw.to_owned();
        }
        "virtualmachines" => Kind::Vm,
        "virtualmachinescalesets" => Kind::ScaleSet,
        "userassignedidentities" => Kind::Identity,
        "managementgroups" => Kind::ManagementGroup,
        // Regions are Azure's; what may be done is an action's last part.
        "locations" => return part.raw.to_owned(),
        _ => Kind::Resource,
    };
    names.name(kind, name)
}
