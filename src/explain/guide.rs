//! `explain`: the pages for people. Lists checks and codes, prints one page, and helps with a misspelt word.
//!
//! It shows what a page says and fills nothing in: what is known of a machine is in a report.

use crate::check::{Check, Severity};
use crate::checks;
use crate::explain::cause::symptom::Symptom;
use crate::fill::{Use, fill};
use crate::nearest::{nearest, unknown};
use crate::page::{self, Block, Heals, Page, Section};
use crate::parts::Part;
use crate::render::style::{Label, Style};
use crate::seal;
use crate::words::in_words;

use super::general;

/// Every check with its codes.
pub fn list(style: Style) -> String {
    let mut lines = Vec::new();
    let mut stage = None;
    for check in checks::all() {
        if stage != Some(check.stage) {
            if stage.is_some() {
                lines.push(String::new());
            }
            stage = Some(check.stage);
            lines.push(style.bold(check.stage.title()));
        }
        let page = page::of(check);
        lines.push(style.labelled(&Label { lead: 2, text: check.id, width: 14 }, "", &page.title));
        for section in &page.sections {
            lines.push(style.labelled(&Label { lead: 4, text: &section.code, width: 22 }, "", &section.title));
        }
    }
    lines.push(String::new());
    lines.push(style.wrap("midoctor explain CODE says what it means and how to fix it.", "", ""));
    style.plain(&(lines.join("\n") + "\n"))
}

/// The page of a check, or a code's section of it.
///
/// # Errors
/// A sentence that says what is accepted, with the nearest word.
pub fn word(word: &str, style: Style) -> Result<String, String> {
    if let Some(check) = checks::all().find(|check| check.id == word) {
        return Ok(whole_page(check, style));
    }
    if let Some((check, section)) = page::section(word) {
        let mut lines = Vec::new();
        print_section(section, check, style, &mut lines);
        return Ok(style.plain(&(lines.join("\n") + "\n")));
    }
    // Somebody may have pasted a token.
    Err(unknown(&seal::text(word), "neither a check nor a code", &names(), "midoctor explain"))
}

/// Is it nearly a check or a code?
pub fn is_near(word: &str) -> bool {
    nearest(&word.to_lowercase(), &names()).is_some()
}

/// Every check and code.
fn names() -> Vec<&'static str> {
    checks::all()
        .flat_map(|check| {
            std::iter::once(check.id).chain(page::of(check).sections.iter().map(|section| section.code.as_str()))
        })
        .collect()
}

fn whole_page(check: &Check, style: Style) -> String {
    let page: &Page = page::of(check);
    let mut lines =
        vec![style.bold(&style.wrap(&page.title, "", "")), style.dim(&format!("check {}", check.id)), String::new()];
    blocks(&page.intro, style, &mut lines);
    for section in &page.sections {
        lines.push(String::new());
        lines.push(String::new());
        print_section(section, check, style, &mut lines);
    }
    style.plain(&(lines.join("\n") + "\n"))
}

fn print_section(section: &Section, check: &Check, style: Style, lines: &mut Vec<String>) {
    lines.push(style.headed(&section.code, &section.title));
    let severity = if section.severity == Some(Severity::Warning) { "a warning" } else { "an error" };
    let source = if section.client_only {
        format!("seen only in what clients print; it belongs to the check {}", check.id)
    } else {
        format!("{severity} found by the check {}", check.id)
    };
    lines.push(style.dim(&style.wrap(&format!("{source}; {}", heals(section)), "", "")));
    if let Some(waits) = &section.waits {
        let bound = in_words(waits.bound);
        let sentence = format!("With --wait, midoctor gives it {bound}: {}.", readable(&waits.why));
        lines.push(style.dim(&style.wrap(&sentence, "", "")));
    }
    let part = |title: &str, lines: &mut Vec<String>| {
        lines.push(String::new());
        lines.push(style.bold(title));
    };
    part("What it means", lines);
    blocks(&section.meaning, style, lines);
    part("How to tell", lines);
    blocks(&section.tell, style, lines);
    part("How to fix it", lines);
    // Which of them it is, a run on the machine tells.
    let general = |template: &str| !general::is_about_one_case(template);
    for (index, step) in section.steps.iter().filter(|step| general(step)).enumerate() {
        lines.push(style.wrap(&readable(step), &format!("  {}. ", index + 1), "     "));
    }
    let mut last = None;
    for command in section.commands.iter().filter(|command| general(&command.line)) {
        if last != Some((command.shell, command.place)) {
            last = Some((command.shell, command.place));
            let shell = crate::render::phrases::shell_in_words(command.shell);
            let place = crate::render::phrases::place_in_words(command.place);
            lines.push(String::new());
            lines.push(style.wrap(&format!("{shell}, {place}:"), "  ", "  "));
        }
        lines.push(format!("    {}", style.command(&readable(&command.line))));
    }
    part("Read on", lines);
    lines.extend(section.docs.iter().map(|link| format!("  {link}")));
    if !section.symptoms.is_empty() {
        part("What clients print", lines);
        for item in &section.symptoms {
            let shown =
                Symptom::parse(item).map_or_else(|_| item.clone(), |it| format!("{}: `{}`", it.client, it.text));
            lines.push(style.wrap(&shown, "  - ", "    "));
        }
    }
    if section.example.is_some() && Part::Simulator.is_here() {
        lines.push(String::new());
        lines.push(style.dim(&style.wrap(&format!("midoctor demo {} plays it.", section.code), "", "")));
    }
}

fn heals(section: &Section) -> String {
    let word = match section.heals {
        Heals::No => "does not heal by itself",
        Heals::Transient => "heals by itself",
        Heals::Propagation => "heals once a change has reached all of Azure",
    };
    if section.heals_how.is_empty() { word.into() } else { format!("{word}: {}", section.heals_how) }
}

fn blocks(blocks: &[Block], style: Style, lines: &mut Vec<String>) {
    let mut last_was_text = false;
    for block in blocks {
        match block {
            Block::Text(text) => {
                if last_was_text {
                    lines.push(String::new());
                }
                lines.push(style.wrap(&readable(text), "  ", "  "));
                last_was_text = true;
            }
            Block::Item(text) => {
                lines.push(style.wrap(&readable(text), "  - ", "    "));
                last_was_text = false;
            }
        }
    }
}

/// `{{vm_name}}` reads `<vm-name>`, as nothing is known of a VM here; hosts are the public cloud's.
pub fn readable(template: &str) -> String {
    fill(template, &general::values(), Use::Prose)
}
