//! The report as one line of JSON that never exceeds 4,000 bytes: for Azure Run Command, which keeps 4,096, and for a container's
//! termination message, which has as many. What does not fit is left out, and `cut` says so.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;

use crate::report::{CommandReport, CutShort, Report, Summary, Word};

use super::json;
use super::lead::{clip, counted, lead};

/// So many bytes has the line at most, with its end.
pub const LIMIT: usize = 4_000;

/// What is kept of each text, in bytes of JSON, where the whole does not fit. With the line's own words these are 3,300, so that a
/// first step fits behind them.
const CODE: usize = 80;
const TITLE: usize = 300;
const SEEN: usize = 800;
const NAME: usize = 100;
const RESOURCE_ID: usize = 500;
const CODES: usize = 600;
const STARTED: usize = 60;
/// A step is cut to this where even the first does not fit as it is.
const STEP: usize = 600;
/// What stands around a step or a command.
const AROUND: usize = 64;

#[derive(Serialize)]
struct Compact<'a> {
    /// Fields are added inside a major version, never renamed or removed.
    schema: &'static str,
    verdict: Word,
    exit_code: u8,
    root_cause: Option<Cow<'a, str>>,
    /// Whose summary it is: of the root cause, or else of the first warning, or of the first check that could not be judged.
    title: Option<Cow<'a, str>>,
    seen: Option<Cow<'a, str>>,
    fix: Option<Fix<'a>>,
    vm: Named<'a>,
    summary: Summary,
    /// The codes of all findings that count, each once.
    codes: Vec<Cow<'a, str>>,
    started: Cow<'a, str>,
    /// What cut the run short.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_short: Option<CutShort>,
    /// Was anything cut or left out to keep the line short? A command never is cut.
    cut: bool,
}

#[derive(Serialize)]
struct Fix<'a> {
    steps: Vec<Cow<'a, str>>,
    commands: Vec<&'a CommandReport>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: Option<Cow<'a, str>>,
    resource_id: Option<Cow<'a, str>>,
}

/// The line, with its end.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn render(report: &Report) -> Result<String, String> {
    // Most fit; of those that cannot, nobody needs to write the whole.
    let whole = (report.checks.len() < 1_000).then(|| json::line(&compact(report, usize::MAX))).transpose()?;
    match whole.filter(|line| line.len() <= LIMIT) {
        Some(line) => Ok(line),
        None => {
            let mut short = compact(report, 0);
            let room = LIMIT.saturating_sub(json::line(&short)?.len());
            short.fix = fix(report, room);
            json::line(&short)
        }
    }
}

/// All of it with `usize::MAX`; otherwise each text as long as it may be at most, and no fix.
fn compact(report: &Report, limit: usize) -> Compact<'_> {
    let lead = lead(report);
    let finding = lead.as_ref().and_then(|lead| lead.finding);
    let cut = limit != usize::MAX;
    Compact {
        schema: "midoctor.compact/1",
        verdict: report.verdict,
        exit_code: report.exit_code,
        root_cause: report.root_cause.as_deref().map(|code| clip(code, limit.max(CODE), cost)),
        title: lead.map(|lead| clip(&lead.check.summary, limit.max(TITLE), cost)),
        seen: finding.map(|finding| clip(&finding.seen, limit.max(SEEN), cost)),
        fix: finding.filter(|_| !cut).map(|finding| Fix {
            steps: finding.remedy.steps.iter().map(Cow::from).collect(),
            commands: finding.remedy.commands.iter().collect(),
        }),
        vm: Named {
            name: report.vm.name.as_deref().map(|name| clip(name, limit.max(NAME), cost)),
            resource_id: report.vm.resource_id.as_deref().map(|id| clip(id, limit.max(RESOURCE_ID), cost)),
        },
        summary: report.summary,
        codes: codes(report, limit.max(CODES)),
        started: clip(&report.run.started, limit.max(STARTED), cost),
        cut_short: report.run.cut_short,
        cut,
    }
}

/// The codes of the findings that count, each once, as many as fit.
fn codes(report: &Report, mut room: usize) -> Vec<Cow<'_, str>> {
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    for (_, finding) in counted(report) {
        if !known.insert(&finding.code) {
            continue;
        }
        let spent = finding.code.chars().map(cost).sum::<usize>() + 3;
        if spent > room {
            continue;
        }
        room -= spent;
        all.push(Cow::Borrowed(finding.code.as_str()));
    }
    all
}

/// The first steps and the commands that fit, in turns. A step may be cut when it is the first; a command that were cut would be
/// another.
fn fix(report: &Report, mut room: usize) -> Option<Fix<'_>> {
    let remedy = &lead(report)?.finding?.remedy;
    let mut fix = Fix { steps: Vec::new(), commands: Vec::new() };
    let mut takes = |text: &str| {
        let spent = AROUND + text.chars().map(cost).sum::<usize>();
        let fits = spent <= room;
        room -= if fits { spent } else { 0 };
        fits
    };
    let mut steps = remedy.steps.iter();
    if let Some(first) = steps.next() {
        let first = clip(first, STEP, cost);
        if takes(&first) {
            fix.steps.push(first);
        }
    }
    let mut more = true;
    let mut commands = remedy.commands.iter();
    loop {
        let (step, command) = (if more { steps.next() } else { None }, commands.next());
        match command {
            Some(command) if takes(&command.line) => fix.commands.push(command),
            Some(_) => {}
            None if step.is_none() => return Some(fix),
            None => {}
        }
        match step {
            Some(step) if takes(step) => fix.steps.push(Cow::Borrowed(step)),
            // None behind one that was left out: they belong together.
            Some(_) => more = false,
            None => {}
        }
    }
}

/// The most bytes that a character takes in the line.
fn cost(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        '#' => 6,
        c if json::is_escaped(c) || c.is_control() => 6 * c.len_utf16(),
        c => c.len_utf8(),
    }
}
