//! The machine itself: is it an Azure VM, is its clock right. What its environment does to clients is in `environment`.

use std::time::Duration;

use crate::azure::metadata::{self, Responder};
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::destination::Destinations;
use crate::evidence::{FirmwareField, Outcome, Request};
use crate::words::in_words;

/// The checks of this topic.
pub static CHECKS: &[Check] = &[
    Check {
        id: "platform",
        stage: Stage::Host,
        needs: &[],
        essential: false,
        codes: &["not-on-azure"],
        shared: &[],
        reads: &[],
        page: include_str!("../../checks/platform.md"),
        subjects: Subject::machine,
        ask: |_| [ASSET_TAG, VENDOR, PRODUCT].map(question).into(),
        judge: judge_platform,
    },
    Check {
        id: "clock",
        stage: Stage::Host,
        needs: &["platform", "metadata"],
        essential: true,
        codes: &["clock-skewed"],
        shared: &[],
        reads: &[],
        page: include_str!("../../checks/clock.md"),
        subjects: Subject::machine,
        // It reads the Date of whatever the others asked for.
        ask: |_| Vec::new(),
        judge: judge_clock,
    },
];

/// The chassis asset tag.
const ASSET_TAG: FirmwareField = FirmwareField::ChassisAssetTag;
const VENDOR: FirmwareField = FirmwareField::SysVendor;
const PRODUCT: FirmwareField = FirmwareField::ProductName;
/// The asset tag of every Azure VM (cloud-init's ds-identify, systemd's hwdb).
const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// How other clouds name themselves in DMI (cloud-init's ds-identify). Hyper-V's vendor and product are not among them:
/// every Hyper-V machine has those.
const OTHER_CLOUDS: &[(FirmwareField, &str, &str)] = &[
    (VENDOR, "Amazon EC2", "AWS"),
    (PRODUCT, "Google Compute Engine", "Google Cloud"),
    (VENDOR, "Google", "Google Cloud"),
    (PRODUCT, "OpenStack Nova", "OpenStack"),
    (PRODUCT, "OpenStack Compute", "OpenStack"),
    (ASSET_TAG, "OpenTelekomCloud", "Open Telekom Cloud"),
    (ASSET_TAG, "HUAWEICLOUD", "Huawei Cloud"),
    (ASSET_TAG, "OracleCloud.com", "Oracle Cloud"),
    (ASSET_TAG, "Amazon EC2", "AWS"),
    (VENDOR, "DigitalOcean", "DigitalOcean"),
    (VENDOR, "UpCloud", "UpCloud"),
    (VENDOR, "Hetzner", "Hetzner"),
    (VENDOR, "Vultr", "Vultr"),
    (VENDOR, "Akamai", "Akamai"),
    (VENDOR, "Linode", "Linode"),
    (PRODUCT, "Alibaba Cloud ECS", "Alibaba Cloud"),
    (VENDOR, "Scaleway", "Scaleway"),
];

/// Linux shows the firmware's texts in files.
fn file(field: FirmwareField) -> Request {
    Request::file(format!("/sys/class/dmi/id/{}", field.word()))
}

fn question(field: FirmwareField) -> Request {
    if cfg!(windows) { Request::Firmware { field } } else { file(field) }
}

/// What the firmware says, on whichever system it was asked.
fn says<'a>(case: &Case<'a>, field: FirmwareField) -> Option<&'a str> {
    let told = |request: &Request| match case.outcome(request)? {
        Outcome::Contents { text } => Some(text.as_str()),
        _ => None,
    };
    told(&file(field)).or_else(|| told(&Request::Firmware { field }))
}

/// Does the firmware say that this is an Azure VM?
pub(super) fn is_tagged(case: &Case) -> bool {
    says(case, ASSET_TAG) == Some(AZURE_TAG)
}

fn judge_platform(case: &Case) -> Verdict {
    if is_tagged(case) {
        return Verdict::Pass(Facts::from([("sign", format!("chassis asset tag {AZURE_TAG}"))]));
    }
    // A metadata service that proves to be Azure's outweighs whatever DMI says.
    if case.instance().is_some() {
        return Verdict::Pass(Facts::from([("sign", "Azure's metadata service knows this VM".to_owned())]));
    }
    for (field, value, cloud) in OTHER_CLOUDS {
        if says(case, *field) == Some(*value) {
            let field = field.word();
            return Verdict::found(
                Finding::error("not-on-azure")
                    .with("sign", format!("{field} reads “{value}”"))
                    .with("other_cloud", cloud),
            );
        }
    }
    Verdict::Unknown("nothing on this machine tells which cloud it is in".into())
}

/// Entra and Azure Resource Manager forgive five minutes; tokens are valid from five minutes before they are issued.
const SKEW_LIMIT: Duration = Duration::from_secs(300);

/// What this machine's clock showed, and what Azure's did: as the first answer of Azure's that carried the time tells it.
pub fn clocks(case: &Case) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    let destinations = Destinations::new(case.evidence);
    // Only Azure's own Date counts: a proxy or another cloud may have any time.
    let azure = |request: &Request| {
        let attempt = case.exchange(request)?.last()?;
        let answer = attempt.outcome.answer()?;
        let genuine = if request.goes_to_metadata() {
            metadata::responder(answer) == Responder::Azure
        } else {
            request.url().is_some_and(|url| destinations.is_manager(url)) && crate::azure::arm::is_arm(answer)
        };
        let date = answer.header("date").filter(|_| genuine)?;
        let told = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        let offset = i64::try_from(attempt.started_ms.saturating_add(attempt.duration_ms)).ok()?;
        let local = case.evidence.taken_at().checked_add(jiff::SignedDuration::from_millis(offset)).ok()?;
        Some((local, told))
    };
    case.evidence.exchanges().iter().find_map(|exchange| azure(&exchange.request))
}

/// Is the difference one that Azure forgives?
pub(super) fn judge_clock(case: &Case) -> Verdict {
    let Some((local, told)) = clocks(case) else {
        return Verdict::Unknown("no answer from Azure carried the time".into());
    };
    let difference = local.duration_since(told);
    let skew = difference.unsigned_abs();
    if skew <= SKEW_LIMIT {
        // Date has whole seconds, so less than that says nothing.
        let words = if skew < Duration::from_secs(2) { "less than 2 s".to_owned() } else { in_words(skew) };
        return Verdict::Pass(Facts::from([("skew", words)]));
    }
    Verdict::found(
        Finding::error("clock-skewed")
            .with("skew", in_words(skew))
            .with("direction", if difference.is_negative() { "behind" } else { "ahead of" })
            .with("azure_time", format!("{told:.0}"))
            .with("local_time", format!("{local:.0}")),
    )
}
