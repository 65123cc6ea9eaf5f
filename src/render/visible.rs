//! A report with nothing hidden in it. One that this program made has been made visible already; one that was read from a file can
//! hold anything.

use crate::evidence::Evidence;
use crate::fill::visible;
use crate::report::{CheckReport, FindingReport, Identity, Report};

/// The report with every text made visible, and without its evidence, which is looked at only as data.
pub fn made_visible(report: &Report) -> Report {
    let none = || Evidence::new(report.evidence.taken_at, report.evidence.asked.clone());
    let mut shown = Report {
        schema: report.schema.clone(),
        tool: report.tool.clone(),
        run: report.run.clone(),
        vm: report.vm.clone(),
        identities: report.identities.clone(),
        root_cause: report.root_cause.clone(),
        notes: report.notes.clone(),
        checks: report.checks.clone(),
        evidence: none(),
        ..*report
    };
    let vm = &mut shown.vm;
    let named = [
        &mut vm.name,
        &mut vm.resource_id,
        &mut vm.vm_id,
        &mut vm.location,
        &mut vm.cloud,
        &mut vm.subscription_id,
        &mut vm.resource_group,
        &mut vm.image,
        &mut shown.root_cause,
    ];
    named.into_iter().flatten().for_each(show);
    let (tool, run) = (&mut shown.tool, &mut shown.run);
    [&mut tool.name, &mut tool.version, &mut run.id, &mut run.started].into_iter().for_each(show);
    shown.notes.iter_mut().for_each(show);
    shown.identities.iter_mut().for_each(identity);
    shown.checks.iter_mut().for_each(check);
    shown
}

fn show(text: &mut String) {
    *text = visible(text);
}

fn identity(identity: &mut Identity) {
    let Identity { kind: _, principal_id, client_id, tenant_id, resource_id } = identity;
    [principal_id, client_id, tenant_id, resource_id].into_iter().flatten().for_each(show);
}

fn check(check: &mut CheckReport) {
    let CheckReport { id, subject, summary, blocked_by, findings, .. } = check;
    [id, summary].into_iter().chain(subject).chain(blocked_by).for_each(show);
    findings.iter_mut().for_each(finding);
}

fn finding(finding: &mut FindingReport) {
    let FindingReport { code, seen, remedy, docs, ignored, severity: _, heals: _ } = finding;
    [code, seen, &mut remedy.text].into_iter().chain(&mut remedy.steps).chain(docs).for_each(show);
    remedy.commands.iter_mut().for_each(|command| show(&mut command.line));
    if let Some(ignored) = ignored {
        [&mut ignored.reason].into_iter().chain(&mut ignored.until).for_each(show);
    }
}
