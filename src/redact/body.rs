//! Bodies of answers: JSON text by text, in place, so that what is not a name stays byte for byte; anything else as text.
//!
//! Of Azure's own documents it is known what each member holds. A text there that is neither known nor of a known shape is the
//! customer's, such as a tag, and goes as a whole.

use crate::azure::roles;
use crate::request::{METADATA_ADDRESS, Request};
use crate::seal::{self, SEAL};

use super::names::{self, Kind, Names};
use super::text;

/// What is known of the document that a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// What the metadata service says.
    Metadata,
    /// A list of resource groups.
    Groups,
    /// A VM, a list of assignments, or another document of Azure Resource Manager's.
    Manager,
    /// Somebody else's.
    Other,
}

impl Document {
    /// Which one the answer to this question is.
    pub fn of(request: &Request) -> Self {
        let Some(url) = request.url().and_then(|url| url::Url::parse(url).ok()) else { return Self::Other };
        let path = url.path().to_lowercase();
        match url.host_str() {
            Some(METADATA_ADDRESS) => Self::Metadata,
            _ if path.starts_with("/subscriptions/") && path.ends_with("/resourcegroups") => Self::Groups,
            _ if path.starts_with("/subscriptions/") || path.starts_with("/providers/microsoft.") => Self::Manager,
            _ => Self::Other,
        }
    }
}

/// Members of Azure's documents whose texts are out of a list of Azure's.
const FIXED: [&str; 47] = [
    "access_token",
    "actions",
    "azenvironment",
    "caching",
    "code",
    "codes",
    "conditionversion",
    "createoption",
    "dataactions",
    "deleteoption",
    "disksizegb",
    "donotapplytochildscopes",
    "error_codes",
    "etag",
    "exactversion",
    "expires_in",
    "expires_on",
    "ext_expires_in",
    "issystemprotected",
    "licensetype",
    "location",
    "not_before",
    "notactions",
    "notdataactions",
    "offer",
    "ostype",
    "platformfaultdomain",
    "platformupdatedomain",
    "prefix",
    "principaltype",
    "priority",
    "provider",
    "provisioningstate",
    "publisher",
    "securitytype",
    "sku",
    "status",
    "statuscode",
    "storageaccounttype",
    "timecreated",
    "timestamp",
    "token_type",
    "type",
    "version",
    "vmsize",
    "zone",
    "zones",
];

/// Members of Azure's documents that hold an ID, an address, or a sentence of Azure's.
const SAID: [&str; 25] = [
    "assignablescopes",
    "client_id",
    "createdby",
    "createdon",
    "error",
    "error_description",
    "error_uri",
    "id",
    "innererror",
    "message",
    "newest-versions",
    "nextlink",
    "placementgroupid",
    "principalid",
    "resource",
    "resourceid",
    "roledefinitionid",
    "scope",
    "subscriptionid",
    "target",
    "tenantid",
    "trace_id",
    "updatedby",
    "updatedon",
    "vmid",
];

/// What stands for a body at the level of names.
pub fn without_names(document: Document, body: &str, names: &mut Names) -> String {
    if is_json(body) {
        return in_place(body, &mut |path, is_key, value| member(document, path, is_key, value, names));
    }
    let start = body.trim_start_matches('\u{feff}').trim_start();
    // What was cut short cannot be read by anybody, and what is in it cannot be told apart.
    if start.starts_with(['{', '[']) {
        return "(removed)".into();
    }
    // What is not XML, as storage answers, is a page or a part of one.
    let is_xml = start.starts_with("<?xml") || start.starts_with("<Error>") || start.starts_with("<m:error");
    if start.starts_with('<') && (!is_xml || start.to_ascii_lowercase().contains("<html")) {
        return page(body);
    }
    text::replaced(body, names)
}

/// The same for the body of an answer. Plain words may be those of somebody in between, who names himself: of these stay the ones
/// that the pages of the checks have.
pub fn of_answer(document: Document, body: &str, names: &mut Names) -> String {
    let left = without_names(document, body, names);
    let start = body.trim_start_matches('\u{feff}').trim_start();
    // Words in brackets at its beginning are midoctor's own: `(withheld: 12 bytes …)`.
    if is_json(body) || start.starts_with(['{', '[', '<']) || start.starts_with("(withheld") {
        return left;
    }
    let (mut done, mut from) = (String::with_capacity(left.len()), 0);
    let mut at = 0;
    for piece in left.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        if !is_said_by_azure(word) {
            done.push_str(&left[from..at]);
            done.push_str("(removed)");
            from = at + word.len();
        }
        at += piece.len();
    }
    done.push_str(&left[from..]);
    done.replace("((removed))", "(removed)")
}

/// Is this word one of the pages', of a pseudonym, or none at all?
fn is_said_by_azure(word: &str) -> bool {
    const OWN: [&str; 16] = [
        "removed",
        "sealed",
        "authority",
        "denial",
        "domain",
        "example",
        "host",
        "organization",
        "part",
        "resource",
        "role",
        "server",
        "text",
        "unit",
        "user",
        "vmss",
    ];
    let lower = word.to_lowercase();
    word.len() < 3
        || word.chars().any(|c| c.is_ascii_digit())
        || OWN.contains(&lower.as_str())
        || names::VOCABULARY.contains(&lower)
}

/// What stands for a page that somebody in between answers with: its words are anybody's. What tells whose page it is stays.
fn page(body: &str) -> String {
    let telling = ["404 - Not Found", "401 - Unauthorized"].into_iter().find(|words| body.contains(words));
    format!("<html>{}(removed)</html>", telling.map(|words| format!("{words} ")).unwrap_or_default())
}

/// What stands for a text of a document; for the name of a member too, when it is one's own.
fn member(document: Document, path: &[String], is_key: bool, value: &str, names: &mut Names) -> String {
    let last = path.last().map_or("", String::as_str);
    let of_tags = |path: &[String]| path.iter().any(|part| part == "tags" || part == "tagslist");
    if is_key {
        return match path {
            _ if of_tags(path) && document != Document::Other => names.name(Kind::Text, value),
            // Members that are named by a resource's ID.
            _ if value.contains('/') => text::replaced(value, names),
            _ => value.to_owned(),
        };
    }
    if value.is_empty() {
        return String::new();
    }
    if let Some(guid) = text::guid(value, names) {
        return guid;
    }
    let parent = path.len().checked_sub(2).and_then(|at| path.get(at)).map_or("", String::as_str);
    match last {
        "name" if parent == "compute" => return names.name(Kind::Vm, value),
        "name" if document == Document::Groups => return names.name(Kind::Group, value),
        // A VM's own document says its name first.
        "name" if document == Document::Manager && path.len() == 1 => return names.name(Kind::Vm, value),
        "computername" => return names.name(Kind::Vm, value),
        "resourcegroupname" => return names.name(Kind::Group, value),
        "vmscalesetname" => return names.name(Kind::ScaleSet, value),
        "adminusername" | "username" => return text::person(value, names),
        "macaddress" => return text::card(value, names),
        "rolename" if roles::find(value).is_some() => return value.to_owned(),
        "rolename" => return names.name(Kind::Role, value),
        "denyassignmentname" => return names.name(Kind::Denial, value),
        "processfullpath" => return program(value, names),
        _ => {}
    }
    let theirs = document != Document::Other && !of_tags(path);
    if (theirs && FIXED.contains(&last)) || last.ends_with("version") {
        return value.to_owned();
    }
    // A number, or a time; an address is no less plain.
    let plain = value.chars().all(|c| c.is_ascii_digit() || "-+.:TZ ".contains(c));
    if document == Document::Other || plain || (theirs && SAID.contains(&last)) {
        return text::replaced(value, names);
    }
    // An ID or an address keeps its shape.
    let shaped = value.starts_with('/') || value.starts_with("https://") || value.parse::<core::net::IpAddr>().is_ok();
    if shaped { text::replaced(value, names) } else { names.name(Kind::Text, value) }
}

/// What stands for a program's file: those that the system brings name nobody.
fn program(path: &str, names: &mut Names) -> String {
    let systems = ["/usr/", "/bin/", "/sbin/", "/lib/", "C:\\Windows\\"];
    if systems.iter().any(|folder| path.starts_with(folder)) {
        return path.to_owned();
    }
    let shown = text::replaced(path, names);
    let (folder, file) = shown.rsplit_once(['/', '\\']).map_or(("", shown.as_str()), |(folder, file)| (folder, file));
    if folder.is_empty() { names.name(Kind::Text, file) } else { format!("/…/{}", names.name(Kind::Part, file)) }
}

/// A body without secrets: in JSON the texts that say something in words, and those that are named as secrets; elsewhere all.
pub fn without_secrets(body: &str) -> String {
    if !is_json(body) {
        return super::sealed(body);
    }
    const SAID: [&str; 7] = ["message", "error_description", "description", "detail", "details", "title", "value"];
    in_place(body, &mut |path, is_key, value| {
        let last = path.last().map_or("", String::as_str);
        let named = [
            "password",
            "passwd",
            "secret",
            "connectionstring",
            "sharedaccesskey",
            "accountkey",
            "customdata",
            "userdata",
        ];
        match () {
            () if is_key || value.is_empty() || value.starts_with(SEAL) => value.to_owned(),
            () if named.iter().any(|name| last.ends_with(name)) => SEAL.to_owned(),
            () if SAID.contains(&last) => super::sealed(value),
            () => seal::tokens(value).into_owned(),
        }
    })
}

fn is_json(body: &str) -> bool {
    let body = body.trim_start_matches('\u{feff}');
    body.trim_start().starts_with(['{', '[', '"']) && serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

/// What is open while JSON is read.
enum Open {
    /// An object; is a member's name next?
    Object {
        name_next: bool,
    },
    Array,
}

/// Changes every text of well-formed JSON, and nothing else of it. `change` is told the names of the members that lead there, in
/// lower case, and whether the text is a member's name itself.
fn in_place(json: &str, change: &mut impl FnMut(&[String], bool, &str) -> String) -> String {
    let mut done = String::with_capacity(json.len());
    let (mut open, mut path): (Vec<Open>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut from, mut at) = (0, 0);
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => {
                open.push(Open::Object { name_next: true });
                path.push(String::new());
            }
            b'[' => open.push(Open::Array),
            b'}' => {
                open.pop();
                path.pop();
            }
            b']' => drop(open.pop()),
            b',' => {
                if let Some(Open::Object { name_next }) = open.last_mut() {
                    *name_next = true;
                }
            }
            b'"' => {
                let end = end_of_text(bytes, at);
                let literal = json.get(at..end).unwrap_or_default();
                let value: String = serde_json::from_str(literal).unwrap_or_default();
                let is_key = matches!(open.last(), Some(Open::Object { name_next: true }));
                let changed = if is_key {
                    let outer = path.len().saturating_sub(1);
                    change(&path[..outer], true, &value)
                } else {
                    change(&path, false, &value)
                };
                if is_key {
                    if let Some(last) = path.last_mut() {
                        *last = value.to_lowercase();
                    }
                    if let Some(Open::Object { name_next }) = open.last_mut() {
                        *name_next = false;
                    }
                }
                if changed != value {
                    done.push_str(&json[from..at]);
                    done.push_str(&serde_json::Value::String(changed).to_string());
                    from = end;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    done.push_str(&json[from..]);
    done
}

/// The byte behind the text that begins here.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_changed_text_by_text_and_nothing_else_of_it() {
        let json = "{ \"a\" : [\"x\", {\"B\":\"y\\\"\\u0041\"}],\r\n\"n\":1.50, \"c\":{\"d\":\"x\"} }";
        let mut met = Vec::new();
        let done = in_place(json, &mut |path, is_key, value| {
            met.push((path.join("."), is_key, value.to_owned()));
            if value == "x" { "\"".into() } else { value.to_owned() }
        });
        assert_eq!(done, json.replace("\"x\"", "\"\\\"\""));
        let met: Vec<(&str, bool, &str)> = met.iter().map(|(path, key, text)| (&**path, *key, &**text)).collect();
        let expected = [
            ("", true, "a"),
            ("a", false, "x"),
            ("a", true, "B"),
            ("a.b", false, "y\"A"),
            ("", true, "n"),
            ("", true, "c"),
            ("c", true, "d"),
            ("c.d", false, "x"),
        ];
        assert_eq!(met, expected);
    }
}
