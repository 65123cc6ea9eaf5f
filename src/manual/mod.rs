//! The manual pages, in roff: one for midoctor and its `check`, one for each other command. What can be typed comes from the
//! definition of the command line, codes, scenarios, formats and exit codes from where the program has them; what else a manual
//! needs is in [`facts`].

pub mod facts;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::cli;
use crate::exit::Exit;
use crate::request::VARIABLES;
#[cfg(feature = "simulator")]
use crate::scenarios;
use crate::{checks, page, render};

/// A page.
#[derive(Debug)]
pub struct Page {
    /// The name of its file: `midoctor-report.1`.
    pub file: String,
    /// The page in roff.
    pub text: String,
}

/// Every page, the main one first.
pub fn pages() -> Vec<Page> {
    let mut root = definition();
    root.build();
    let mut pages = vec![main()];
    add_inner(&root, &mut pages);
    pages
}

/// The page of midoctor itself, which is also that of `check`, its default.
pub fn main() -> Page {
    let mut root = definition();
    root.build();
    page(&root, |roff| {
        formats(roff);
        exit_status(roff);
        environment(roff);
        items(roff, "FILES", facts::FILES.map(|(name, words)| (vec![italic(name)], words)));
        examples(roff);
        let others = commands(&root).map(|command| command.get_display_name().unwrap_or_default().to_owned());
        see_also(roff, others.collect());
    })
}

fn definition() -> Command {
    spelt_out(cli::command().disable_help_subcommand(true))
}

/// The values that an argument can have stand in its own words; as a list of their own they tear a page apart.
fn spelt_out(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let values = argument.get_possible_values();
        let listed = values.iter().filter(|value| !value.is_hide_set()).map(|value| {
            let about = value.get_help().map(ToString::to_string).unwrap_or_default();
            let about = about.trim_end_matches('.');
            if about.eq_ignore_ascii_case(value.get_name()) {
                return value.get_name().to_owned();
            }
            format!("{} ({})", value.get_name(), about)
        });
        let listed = listed.collect::<Vec<_>>().join(", ");
        if listed.is_empty() || !argument.get_action().takes_values() {
            return argument;
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        argument.hide_possible_values(true).help(format!("{help}. It is one of: {listed}"))
    });
    command.mut_subcommands(spelt_out)
}

/// The commands that have a page of their own: all that are shown but `check`.
fn commands(of: &Command) -> impl Iterator<Item = &Command> {
    of.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_display_name() != Some("midoctor-check"))
}

fn add_inner(outer: &Command, pages: &mut Vec<Page>) {
    for command in commands(outer) {
        pages.push(page(command, |roff| {
            match command.get_name() {
                "explain" => codes(roff),
                #[cfg(feature = "simulator")]
                "demo" | "simulate" => played(roff),
                _ => {}
            }
            let above = outer.get_display_name().unwrap_or_else(|| outer.get_name()).to_owned();
            let inner = commands(command).filter_map(Command::get_display_name).map(str::to_owned);
            let mut others: Vec<String> = [above].into_iter().chain(inner).collect();
            if !others.iter().any(|name| name == facts::MAIN) {
                others.push(facts::MAIN.into());
            }
            see_also(roff, others);
        }));
        add_inner(command, pages);
    }
}

/// A page: what comes from the definition, then the rest.
fn page(command: &Command, rest: impl FnOnce(&mut Roff)) -> Page {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let source = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let mut roff = Roff::default();
    roff.control("TH", [name, "1", facts::DATE, source, "midoctor manual"]);
    // No word is cut and none torn apart: names and commands are there to be copied.
    roff.control("nh", []);
    roff.control("ad", ["l"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", command.get_about().map(ToString::to_string).unwrap_or_default()))]);
    synopsis(&mut roff, command);
    description(&mut roff, command);
    let mut text = roff.render().into_bytes();
    // Into memory nothing fails to be written.
    let _ = Man::new(command.clone()).render_options_section(&mut text);
    let mut roff = Roff::default();
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    let inner: Vec<_> = inner.map(|inner| (vec![bold(inner.get_name())], about(inner))).collect();
    if !inner.is_empty() {
        items(&mut roff, "COMMANDS", inner);
    }
    rest(&mut roff);
    text.extend(roff.to_roff().into_bytes());
    Page { file: format!("{name}.1"), text: String::from_utf8_lossy(&text).into_owned() }
}

fn description(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["DESCRIPTION"]);
    let long = command.get_long_about().map(ToString::to_string);
    for (index, paragraph) in long.unwrap_or_else(|| about(command)).split("\n\n").enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(full(paragraph))]);
    }
}

/// With a full stop, which short texts of the definition lack.
fn full(text: &str) -> String {
    format!("{}.", text.trim().trim_end_matches('.'))
}

fn about(command: &Command) -> String {
    command.get_about().map(|about| full(&about.to_string())).unwrap_or_default()
}

/// How the command is called, in each of its ways.
fn synopsis(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    for (index, way) in usage.trim_start_matches("Usage:").lines().map(str::trim).enumerate() {
        if index > 0 {
            roff.control("br", []);
        }
        let rest = way.strip_prefix(name).unwrap_or(way);
        // The main page is that of the default as well.
        let rest = if name == facts::MAIN && index == 0 { format!(" [check]{rest}") } else { rest.to_owned() };
        roff.text([bold(name), roman(rest)]);
    }
}

/// A section of names with words about each.
fn items<W: Into<String>>(roff: &mut Roff, title: &str, items: impl IntoIterator<Item = (Vec<Inline>, W)>) {
    roff.control("SH", [title]);
    for (name, words) in items {
        roff.control("TP", []);
        roff.text(name);
        roff.text([roman(words)]);
    }
}

fn formats(roff: &mut Roff) {
    let formats = render::FORMATS.iter().map(|(name, format)| (vec![bold(*name)], full(&sentence(format.purpose()))));
    items(roff, "FORMATS", formats);
}

/// With a capital.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn exit_status(roff: &mut Roff) {
    let codes = Exit::ALL.map(|exit| (vec![bold((exit as u8).to_string())], exit.in_words()));
    items(roff, "EXIT STATUS", codes);
}

fn environment(roff: &mut Roff) {
    let obeyed = facts::ENVIRONMENT.map(|(names, words)| {
        let mut all = Vec::new();
        for name in names {
            if !all.is_empty() {
                all.push(roman(", "));
            }
            all.push(bold(*name));
        }
        (all, words)
    });
    items(roff, "ENVIRONMENT", obeyed);
    roff.control("PP", []);
    roff.text([roman(facts::JUDGED)]);
    roff.control("PP", []);
    roff.text([roman(format!("{}.", VARIABLES.join(", ")))]);
}

fn examples(roff: &mut Roff) {
    roff.control("SH", ["EXAMPLES"]);
    for (index, (line, words)) in facts::EXAMPLES.into_iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(words)]);
        roff.control("RS", ["4"]);
        roff.control("nf", []);
        roff.text([roman(line)]);
        roff.control("fi", []);
        roff.control("RE", []);
    }
}

/// Every check with its codes.
fn codes(roff: &mut Roff) {
    roff.control("SH", ["CHECKS AND CODES"]);
    for check in checks::all() {
        let page = page::of(check);
        roff.control("TP", []);
        roff.text([bold(check.id)]);
        roff.text([roman(&*page.title)]);
        roff.control("RS", []);
        for section in &page.sections {
            roff.control("TP", []);
            roff.text([italic(&*section.code)]);
            roff.text([roman(&*section.title)]);
        }
        roff.control("RE", []);
    }
}

#[cfg(feature = "simulator")]
fn played(roff: &mut Roff) {
    let all = scenarios::all();
    items(roff, "SCENARIOS", all.iter().map(|scenario| (vec![bold(scenario.name)], scenario.title)));
}

fn see_also(roff: &mut Roff, pages: Vec<String>) {
    roff.control("SH", ["SEE ALSO"]);
    let mut words = Vec::new();
    for name in pages {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.extend([bold(name), roman("(1)")]);
    }
    roff.text(words);
}
