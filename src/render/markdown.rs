//! The report as GitHub-flavoured Markdown, for an issue, a pull request or the summary of a build step: the verdict first, then the
//! checks, what was found with its fix, who signs in, and the counts.
//!
//! A step's summary may have 1 MiB, so the text stays below that, whatever the report holds, and says what it leaves out.

use crate::build_log::inert;
use crate::check::Status;
use crate::fill::visible;
use crate::page::Shell;
use crate::report::{CheckReport, CommandReport, FindingReport, Identity, IdentityKind, Report, Word};

use super::lead::{clip, lead};
use super::markdown_text::{block, cell, code, link, prose};
use super::phrases::{counts_and_time, excuse, heals, place_in_words, reason, shell_in_words, waited};

/// So many bytes has a step's summary at most on GitHub.
pub const LIMIT: usize = 1 << 20;

/// The least room in which something worth reading fits, whatever the report holds.
pub const LEAST: usize = 128 << 10;

/// Of the steps, links and commands of a finding so many are shown.
const MOST: usize = 30;

/// Of a name so many bytes are shown, which no name in Azure has.
const NAME: usize = 500;

/// The whole text, below 1 MiB, with a line end.
pub fn render(report: &Report) -> String {
    render_within(report, LIMIT - 1)
}

/// The whole text in at most so many bytes, which are at least [`LEAST`].
pub fn render_within(report: &Report, limit: usize) -> String {
    let limit = limit.max(LEAST);
    // Of a text this is shown; written as Markdown it is at most five times as long.
    let text = Text { longest: (limit / 64).min(4_000) };
    let mut shown = text.heading(report);
    let end = text.ending(report, limit / 8);
    shown.push_str(&text.table(report, limit / 3));
    let room = limit.saturating_sub(shown.len() + end.len());
    shown.push_str(&text.findings(report, room));
    shown.push_str(&end);
    shown
}

struct Text {
    longest: usize,
}

impl Text {
    fn cut(&self, text: &str) -> String {
        clip(&visible(text), self.longest, char::len_utf8).into_owned()
    }

    fn prose(&self, text: &str) -> String {
        inert(&prose(&self.cut(text))).into_owned()
    }

    fn code(&self, text: &str) -> String {
        inert(&code(&clip(&visible(text), NAME, char::len_utf8))).into_owned()
    }

    fn cell(&self, text: &str) -> String {
        inert(&cell(&self.cut(text))).into_owned()
    }

    /// The verdict, and why.
    fn heading(&self, report: &Report) -> String {
        let whose = report.vm.name.as_ref().map(|name| format!(": {}", self.code(name))).unwrap_or_default();
        let mut shown = format!("## {}{whose}\n\n", report.verdict.word().to_ascii_uppercase());
        if let Some(lead) = lead(report) {
            let what = match report.verdict {
                Word::Unhealthy if report.root_cause.as_deref() == Some(lead.name()) => "Root cause",
                Word::Unhealthy => "First error",
                Word::Undetermined => "First check that could not be judged",
                Word::Healthy | Word::Degraded => "First warning",
            };
            let (name, title) = (self.code(lead.name()), self.prose(&lead.check.summary));
            shown.push_str(&format!("**{what}:** {name}: {title}\n\n"));
        }
        match (report.verdict, reason(report)) {
            (Word::Degraded, Some(reason)) => {
                shown.push_str(&format!("There are warnings, {}.\n\n", self.prose(reason)))
            }
            (_, Some(reason)) => shown.push_str(&format!("The verdict is open: {reason}.\n\n")),
            (_, None) => {}
        }
        let vm = &report.vm;
        let facts: Vec<String> =
            [&vm.resource_id, &vm.location, &vm.cloud].into_iter().flatten().map(|fact| self.code(fact)).collect();
        if !facts.is_empty() {
            shown.push_str(&format!("{}\n\n", facts.join(" · ")));
        }
        shown
    }

    /// All checks. Where they are too many, those that passed or were not judged are left out first.
    fn table(&self, report: &Report, mut room: usize) -> String {
        // Written only as far as there is room: a hostile report has more rows than a page.
        let mut rows: Vec<Option<String>> = vec![None; report.checks.len()];
        let matters = |check: &CheckReport| matches!(check.status, Status::Fail | Status::Warn | Status::Unknown);
        for first in [true, false] {
            let mut full = false;
            for (check, kept) in report.checks.iter().zip(&mut rows).filter(|(check, _)| matters(check) == first) {
                let row = if full { continue } else { self.row(check) };
                full = row.len() > room;
                if !full {
                    room -= row.len();
                    *kept = Some(row);
                }
            }
        }
        let mut shown = "| Status | Check | Result |\n|---|---|---|\n".to_owned();
        let (left, all) = (rows.iter().filter(|row| row.is_none()).count(), rows.len());
        shown.extend(rows.into_iter().flatten());
        shown.push_str(&left_out(left, all, "checks"));
        shown.push('\n');
        shown
    }

    fn row(&self, check: &CheckReport) -> String {
        let subject = check.subject.as_ref().filter(|subject| !check.summary.contains(*subject));
        let subject = subject.map(|subject| format!(" ({})", self.cell(subject))).unwrap_or_default();
        let status = check.status.word();
        let status = if check.status == Status::Fail { format!("**{status}**") } else { status.to_owned() };
        format!("| {status} | {} | {}{subject} |\n", self.id(&check.id), self.cell(&check.summary))
    }

    /// What was found, with its fix, as far as there is room; the root cause first.
    fn findings(&self, report: &Report, room: usize) -> String {
        let all = report.checks.iter().flat_map(|check| check.findings.iter().map(move |finding| (check, finding)));
        let mut all: Vec<(&CheckReport, &FindingReport)> = all.collect();
        let rank = |finding: &FindingReport| {
            (
                finding.ignored.is_some(),
                report.root_cause.as_deref() != Some(&finding.code),
                std::cmp::Reverse(finding.severity),
            )
        };
        all.sort_by_key(|(_, finding)| rank(finding));
        // For the words about what is left out.
        let mut room = room.saturating_sub(100);
        let mut shown = String::new();
        let mut left = all.len();
        for (check, finding) in &all {
            let one = self.finding(check, finding);
            if one.len() > room {
                break;
            }
            room -= one.len();
            left -= 1;
            shown.push_str(&one);
        }
        shown.push_str(&left_out(left, all.len(), "findings"));
        shown
    }

    fn finding(&self, check: &CheckReport, finding: &FindingReport) -> String {
        let subject = check.subject.as_ref().map(|subject| format!(" for {}", self.code(subject))).unwrap_or_default();
        let mut shown = format!("### {} ({}){subject}\n\n", self.code(&finding.code), finding.severity.word());
        shown.push_str(&format!("**Seen:** {}\n\n", self.prose(&finding.seen)));
        if let Some(excuse) = excuse(finding) {
            shown.push_str(&format!("It does not count: {}\n\n", self.prose(&excuse)));
            return shown;
        }
        let steps = finding.remedy.steps.iter().enumerate();
        let steps = some(steps.map(|(index, step)| format!("{}. {}\n", index + 1, self.prose(step))), "steps");
        if !steps.is_empty() {
            shown.push_str(&format!("**Fix:**\n\n{steps}\n"));
        }
        shown.push_str(&self.commands(finding));
        if let Some(words) = heals(finding.heals) {
            shown.push_str(&format!("It heals {words}.\n\n"));
        }
        let shown_link = |url: &String| inert(&link(&clip(&visible(url), NAME, char::len_utf8))).into_owned();
        let links = some(finding.docs.iter().map(|url| format!("- {}\n", shown_link(url))), "links");
        if !links.is_empty() {
            shown.push_str(&format!("**Read:**\n\n{links}\n"));
        }
        shown
    }

    /// A block for the commands of each shell and place, in their order.
    fn commands(&self, finding: &FindingReport) -> String {
        let alike = |one: &CommandReport, other: &CommandReport| (one.shell, one.place) == (other.shell, other.place);
        let kinds: Vec<&[CommandReport]> = finding.remedy.commands.chunk_by(alike).collect();
        some(kinds.iter().map(|same| self.commands_of_a_kind(same)), "blocks of commands")
    }

    /// A command is whole or left out.
    fn commands_of_a_kind(&self, same: &[CommandReport]) -> String {
        let Some(first) = same.first() else { return String::new() };
        let mut shown = format!("{}, {}:\n\n", shell_in_words(first.shell), place_in_words(first.place));
        let fits = |line: &&str| line.len() <= self.longest;
        let lines: Vec<&str> = same.iter().map(|command| command.line.as_str()).filter(fits).take(MOST).collect();
        if !lines.is_empty() {
            let language = if first.shell == Shell::Pwsh { "powershell" } else { "sh" };
            shown.push_str(&format!("{}\n", inert(&block(&lines, language))));
        }
        shown.push_str(&left_out(same.len() - lines.len(), same.len(), "commands"));
        shown
    }

    /// Who signs in, what is odd about the configuration, and the counts.
    fn ending(&self, report: &Report, room: usize) -> String {
        let mut shown = String::new();
        let identities = report.identities.iter().map(|identity| self.identity(identity));
        let identities = within(identities, room / 2, "identities");
        if !identities.is_empty() {
            shown.push_str(&format!(
                "### Signs in\n\n| Identity | Principal ID | Client ID | Tenant |\n|---|---|---|---|\n{identities}\n"
            ));
        }
        let notes = report.notes.iter().map(|note| format!("- {}\n", self.prose(note)));
        let notes = within(notes, room / 2, "notes");
        if !notes.is_empty() {
            shown.push_str(&format!("### Notes\n\n{notes}\n"));
        }
        if let Some(waited) = waited(report) {
            shown.push_str(&format!("Waiting: {waited}.\n\n"));
        }
        let (tool, started) = (&report.tool, &report.run.started);
        let by = self.prose(&format!("{} {}", tool.name, tool.version));
        shown.push_str(&format!("{}; {by}, {}\n", counts_and_time(report), self.code(started)));
        shown
    }

    fn identity(&self, identity: &Identity) -> String {
        let known = |value: &Option<String>| value.as_ref().map_or_else(|| "unknown".to_owned(), |id| self.id(id));
        let name = match (&identity.kind, &identity.resource_id) {
            (IdentityKind::System, _) => "system-assigned".to_owned(),
            (IdentityKind::User, None) => "user-assigned".to_owned(),
            (IdentityKind::User, Some(id)) => format!("user-assigned, {}", self.id(id)),
        };
        let ids = [&identity.principal_id, &identity.client_id, &identity.tenant_id].map(known);
        format!("| {name} | {} |\n", ids.join(" | "))
    }

    /// A name in a cell.
    fn id(&self, id: &str) -> String {
        self.code(&id.replace('|', r"\u{7c}"))
    }
}

/// As many of a finding's parts as a page has patience for, and how many it has not.
fn some(parts: impl ExactSizeIterator<Item = String>, what: &str) -> String {
    let all = parts.len();
    let mut shown: String = parts.take(MOST).collect();
    shown.push_str(&left_out(all.saturating_sub(MOST), all, what));
    shown
}

/// As many of these lines as fit, and how many do not. No more are made than that.
fn within(mut lines: impl ExactSizeIterator<Item = String>, mut room: usize, what: &str) -> String {
    let all = lines.len();
    let (mut shown, mut left) = (String::new(), all);
    while let Some(line) = lines.next().filter(|line| line.len() <= room) {
        room -= line.len();
        left -= 1;
        shown.push_str(&line);
    }
    shown.push_str(&left_out(left, all, what));
    shown
}

/// A paragraph that says so; nothing where nothing is left out.
fn left_out(left: usize, all: usize, what: &str) -> String {
    if left == 0 { String::new() } else { format!("\nLeft out, to keep this short: {left} of {all} {what}.\n\n") }
}
