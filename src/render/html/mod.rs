//! The report as one page for a browser or a printer, without external parts. Decides nothing: what is put where is in [`view`],
//! what blocked what is drawn by [`chain`], when what was asked by [`waterfall`], and the markup is in the templates beside them.
//!
//! Whatever a template is given goes through [`Shown`]: hidden characters made visible, then escaped. The page's policy lets in
//! its own style and script by their hashes and nothing else; the script is the same for every report.

pub mod chain;
mod drawing;
pub mod view;
pub mod waterfall;

use std::fmt;

use askama::Template;
use askama::filters::{Escaper, Html};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::fill::{is_hidden, visible};
use crate::report::Report;

use view::Page;

/// The style that all pages share.
pub const BASE: &str = include_str!("base.css");
/// The style of a report alone.
const REPORT: &str = include_str!("report.css");
/// Copies commands, and opens what is closed before it is printed.
pub const SCRIPT: &str = include_str!("page.js");

/// The page.
///
/// # Errors
/// When the template fails, which plain data does not make it.
pub fn render(report: &Report) -> Result<String, String> {
    let style = format!("{BASE}{REPORT}");
    let page = Page::new(report, policy(&style, SCRIPT), style);
    let page = page.render().map_err(|error| format!("the page cannot be made: {error}"))?;
    Ok(page.trim_end().to_owned() + "\n")
}

/// The Content-Security-Policy of a page with this style and this script, which both have to stand in it byte by byte. Nothing
/// is loaded, nothing is sent, and no text becomes markup or script (Content Security Policy Level 3, Trusted Types).
pub fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(style),
        hash(script)
    )
}

/// How every text gets into a page (see askama.toml): what cannot be seen is shown, and nothing in it is markup. Reports are
/// made of visible text, but a page may be made of a report that somebody else wrote.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown;

impl Escaper for Shown {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        let commands = string.contains("##") || string.contains("::");
        if !commands && !string.contains(|c: char| c.is_control() || is_hidden(c)) {
            return Html.write_escaped_str(dest, string);
        }
        let mut markup = String::new();
        Html.write_escaped_str(&mut markup, &visible(string))?;
        // A page may be printed into the log of a build server, whose commands begin so.
        dest.write_str(&markup.replace("##", "#&#35;").replace("::", ":&#58;"))
    }
}

/// Prose in which `code` stands between grave accents, as the pages write it. Renders to markup; the text in it is escaped.
#[derive(Clone, Debug, Template)]
#[template(
    source = "{% for (code, text) in spans() %}{% if code %}<code>{{ text }}</code>{% else %}{{ text }}{% endif %}{% endfor %}",
    ext = "html"
)]
pub struct Prose<'a>(pub &'a str);

impl<'a> Prose<'a> {
    /// The pieces, and whether each is code. An accent without a partner is a character like others.
    fn spans(&self) -> Vec<(bool, &'a str)> {
        let mut spans = Vec::new();
        let mut rest = self.0;
        while let Some((before, after)) = rest.split_once('`') {
            let Some((code, after)) = after.split_once('`') else { break };
            spans.extend([(false, before), (true, code)]);
            rest = after;
        }
        spans.push((false, rest));
        spans.retain(|(_, text)| !text.is_empty());
        spans
    }
}

/// May this be a link? Only to the web, so that none runs a script or opens a file.
pub fn is_link(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_shows_code_and_nothing_hidden() {
        for (text, markup) in [
            ("run `az login` again", "run <code>az login</code> again"),
            ("a lone ` stays", "a lone ` stays"),
            ("`<b>` & \u{202e}\u{1b}[2J", "<code>&#60;b&#62;</code> &#38; \\u{202e}\\u{1b}[2J"),
            ("", ""),
        ] {
            assert_eq!(Prose(text).render().ok().as_deref(), Some(markup));
        }
    }

    #[test]
    fn only_the_web_is_linked_to() {
        assert!(is_link("https://learn.microsoft.com/") && is_link("http://example.org/"));
        for address in ["javascript:alert(1)", " https://example.org/", "data:text/html,x", "file:///etc/passwd", "//x"]
        {
            assert!(!is_link(address), "{address}");
        }
    }
}
