//! What each format has to be, whatever stands in it: read by a parser of that format, and made of the same pieces.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::sync::LazyLock;

use html5gum::{DefaultEmitter, Token, Tokenizer};
use midoctor::fill::is_hidden;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};
use regex::Regex;

/// The first character that cannot be seen, or that moves what can.
pub fn odd(shown: &str) -> Option<char> {
    shown.chars().find(|c| (c.is_control() && *c != '\n') || is_hidden(*c))
}

/// Does a build server obey something in this line?
pub fn command(line: &str) -> Option<&str> {
    static ANYWHERE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"##[A-Za-z]*\[").unwrap());
    static BEGINS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^::[A-Za-z].*?::").unwrap());
    ANYWHERE.find(line).or_else(|| BEGINS.find(line.trim_start())).map(|found| found.as_str())
}

/// The blocks of a page, without what stands in them.
pub fn blocks(markdown: &str) -> Vec<String> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES | Options::ENABLE_GFM;
    let blocks = Parser::new_ext(markdown, options).filter_map(|event| match event {
        Event::Start(tag) => Some(match tag {
            Tag::Link { link_type: LinkType::Autolink, dest_url, .. } if is_of_a_page(&dest_url) => {
                dest_url.to_string()
            }
            Tag::Link { .. } | Tag::Image { .. } => panic!("{tag:?} in {markdown}"),
            tag => format!("{tag:?}"),
        }),
        Event::End(tag) => Some(format!("{tag:?}")),
        Event::Text(_) | Event::Code(_) => None,
        Event::SoftBreak | Event::HardBreak => None,
        other => Some(format!("{other:?}")),
    });
    blocks.collect()
}

/// Does this lead to where the pages of this program say where to read on?
fn is_of_a_page(url: &str) -> bool {
    ["https://learn.microsoft.com/", "https://aka.ms/", "https://nodejs.org/"]
        .iter()
        .any(|start| url.starts_with(start))
}

/// The elements of an XML document with the names of their attributes. Nothing else may be in it.
pub fn elements(xml: &str) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut names = Vec::new();
    assert!(!xml.contains(['\u{fffe}', '\u{ffff}']), "XML has no such characters");
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => return names,
            quick_xml::events::Event::Start(start) | quick_xml::events::Event::Empty(start) => {
                let attributes = start.attributes().map(|attribute| attribute.unwrap().key.as_ref().to_vec());
                names.push((start.name().as_ref().to_vec(), attributes.collect::<Vec<_>>()));
            }
            quick_xml::events::Event::Text(_) | quick_xml::events::Event::End(_) => {}
            quick_xml::events::Event::Decl(_) | quick_xml::events::Event::GeneralRef(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The tags of a page with the names of their attributes. A browser builds the same tree of the same tags. Its links lead to
/// pages of the web or to itself, and it keeps its policy.
pub fn tags(page: &str) -> Vec<String> {
    assert_eq!(page.matches("http-equiv=\"Content-Security-Policy\"").count(), 1, "{page}");
    // What stands in a script or a style is no tag.
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(page, emitter).map(Result::unwrap).filter_map(|token| match token {
        Token::StartTag(tag) => {
            let attributes: Vec<String> =
                tag.attributes.keys().map(|name| String::from_utf8_lossy(name).into()).collect();
            for (name, value) in &tag.attributes {
                let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
                assert!(!name.starts_with("on") && name != "style", "{name}={value}");
                assert!(name != "href" || value.starts_with("https://") || value.starts_with('#'), "{value}");
                assert!(name != "src", "{value}");
            }
            Some(format!("<{} {}>", String::from_utf8_lossy(&tag.name), attributes.join(" ")))
        }
        Token::EndTag(tag) => Some(format!("</{}>", String::from_utf8_lossy(&tag.name))),
        Token::Comment(_) => panic!("a comment in {page}"),
        Token::String(_) | Token::Doctype(_) => None,
        Token::Error(error) => panic!("{error:?} in {page}"),
    });
    // What stands between grave accents is shown as code.
    tokens.filter(|tag| !["<code >", "</code>"].contains(&tag.as_str())).collect()
}

/// The series of gauges, each there once.
pub fn series(gauges: &str) -> std::collections::BTreeSet<&str> {
    static SAMPLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^midoctor_[a-z_]+(\{([a-z_]+="([^"\\\n]|\\\\|\\"|\\n)*",?)*\})? [0-9.]+$"#).unwrap()
    });
    let is_comment = |line: &&str| line.starts_with("# HELP midoctor_") || line.starts_with("# TYPE midoctor_");
    let mut series = std::collections::BTreeSet::new();
    for line in gauges.lines().filter(|line| !is_comment(line)) {
        assert!(SAMPLE.is_match(line), "{line}");
        assert!(series.insert(line.rsplit_once(' ').unwrap().0), "twice {line}");
    }
    series
}

/// Holds two lists against each other and shows where they part.
pub fn same<T: PartialEq + std::fmt::Debug>(one: &[T], other: &[T], what: &str) {
    let at = one.iter().zip(other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
    let around = |list: &[T]| format!("{:?}", &list[at.saturating_sub(4)..list.len().min(at + 4)]);
    assert!(one == other, "{what}: {} and {}", around(one), around(other));
}
