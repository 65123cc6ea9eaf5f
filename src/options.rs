//! What was typed, made into what it means. Every slip is an error that names what is accepted; nothing is done here.

use std::path::PathBuf;
use std::time::Duration;

use crate::azure::cloud::ALIASES;
use crate::azure::resource_id;
use crate::checks;
use crate::cli::{ExamineArgs, ExplainArgs, Failing};
use crate::engine::Limits;
use crate::fill::visible;
use crate::nearest::{suggestion, unknown};
use crate::outputs::{Outputs, PLAIN, Plain};
use crate::plan::{FailOn, Plan, Resource, Selector, Whose};
use crate::probe;
use crate::requirement;
use crate::unit_name::UnitName;

/// What to examine, and for how long.
#[derive(Clone, Debug)]
pub struct ExamineOptions {
    /// What to look at.
    pub plan: Plan,
    /// How long it may take.
    pub limits: Limits,
    /// How long to wait for what heals; none when one look is enough.
    pub wait: Option<Duration>,
}

/// What `explain` is to do.
#[derive(Debug)]
pub struct ExplainOptions {
    /// What to explain.
    pub what: Explained,
    /// Go on to run the checks.
    pub and_check: bool,
    /// Where the answer goes.
    pub output: Outputs<Plain>,
}

/// What `explain` explains.
#[derive(Debug, PartialEq, Eq)]
pub enum Explained {
    /// Everything: the list.
    All,
    /// A code, a check, or a text without white space.
    Word(String),
    /// A text.
    Text(String),
    /// What comes on standard input.
    Input,
    /// What is in a file.
    File(PathBuf),
}

impl ExplainOptions {
    /// Reads the arguments of `explain`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is accepted.
    pub fn read(args: &ExplainArgs) -> Result<Self, String> {
        let what = match (args.word.as_deref(), &args.file) {
            (Some("-"), _) => Explained::Input,
            (_, Some(file)) if file.as_os_str() == "-" => Explained::Input,
            (_, Some(file)) => Explained::File(file.clone()),
            (None, None) => Explained::All,
            (Some(text), None) if text.chars().any(char::is_whitespace) || text.is_empty() => {
                Explained::Text(text.to_owned())
            }
            (Some(word), None) => Explained::Word(word.to_owned()),
        };
        let output = Outputs::read(&args.output, &PLAIN, args.color.color)?;
        Ok(Self { what, and_check: args.and_check, output })
    }

    /// What only goes with a text, where there is a page to print.
    ///
    /// # Errors
    /// A sentence that says what it goes with.
    pub fn for_a_page(&self) -> Result<(), String> {
        let flag = match () {
            () if self.and_check => "--and-check",
            () if self.output.targets != [(Plain::Text, None)] => "-o",
            () => return Ok(()),
        };
        Err(format!("{flag} goes with a text to explain: midoctor explain - reads one, --file FILE names one"))
    }
}

/// Longer durations are slips of the pen.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl ExamineOptions {
    /// Reads the flags. `verbose` is what `-v` says.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is accepted.
    pub fn read(args: &ExamineArgs, verbose: bool) -> Result<Self, String> {
        let mut plan = with_endpoints(
            Plan { through_proxy: verbose, ..plan(&args.identity, &args.resource, &args.require)? },
            !args.resource.is_empty(),
            &args.probe,
            &args.trust_host,
            args.arm_endpoint.as_deref(),
        )?;
        plan.environment = whose(args.pid.as_deref(), args.unit.as_deref())?;
        plan.only = globs("--only", &args.only)?;
        plan.skip = globs("--skip", &args.skip)?;
        plan.fail_on = args.fail_on.map_or(FailOn::Error, FailOn::from);
        let usual = Limits::default();
        let given = |flag: &str, text: &Option<String>| text.as_deref().map(|text| positive(flag, text)).transpose();
        Ok(Self {
            plan,
            limits: Limits {
                question: given("--timeout", &args.timeout)?.unwrap_or(usual.question),
                deadline: given("--deadline", &args.deadline)?.unwrap_or(usual.deadline),
            },
            wait: given("--wait", &args.wait)?,
        })
    }
}

impl From<Failing> for FailOn {
    fn from(typed: Failing) -> Self {
        match typed {
            Failing::Warn => Self::Warn,
            Failing::Error => Self::Error,
        }
    }
}

/// The names that `--only` and `--skip` select: every check, with the codes that it finds.
pub fn selectable() -> Vec<&'static str> {
    checks::all().flat_map(|check| [check.id].into_iter().chain(check.codes.iter().copied())).collect()
}

/// Globs over the names of checks and codes; each must match something that there is.
///
/// # Errors
/// A sentence that says what is wrong and what is accepted.
pub fn globs(flag: &str, texts: &[String]) -> Result<Vec<String>, String> {
    let names = selectable();
    texts
        .iter()
        .map(|text| {
            let pattern = glob::Pattern::new(text).map_err(|error| {
                format!("{flag} takes a glob such as role-*; “{}” is none: {}", visible(text), error.msg)
            })?;
            if names.iter().any(|name| pattern.matches(name)) {
                return Ok(text.clone());
            }
            Err(format!(
                "{flag}: {}",
                unknown(text, "no check and no code that one finds, and matches none", &names, "midoctor explain")
            ))
        })
        .collect()
}

/// Reads identities and resources as they are typed, or as a scenario's example names them.
///
/// # Errors
/// A sentence that says what is wrong and what is accepted.
pub fn plan(identities: &[String], resources: &[String], requirements: &[String]) -> Result<Plan, String> {
    let all_identities = identities.iter().any(|text| text == "all");
    let mut plan = Plan { all_identities, ..Plan::default() };
    let named = distinct(identities.iter().filter(|text| *text != "all").map(|text| selector(text)))?;
    if !named.is_empty() {
        plan.identities = named;
    }
    if !resources.is_empty() {
        plan.resources = distinct(resources.iter().map(|text| resource(text)))?;
    }
    match requirements {
        [] => {}
        all if all.iter().all(|text| text.eq_ignore_ascii_case("none")) => plan.requirements.clear(),
        some if some.iter().any(|text| text.eq_ignore_ascii_case("none")) => {
            return Err("--require none stands alone; leave it out, or leave the others out".into());
        }
        some => plan.requirements = distinct(some.iter().map(|text| requirement::read(text)))?,
    }
    Ok(plan)
}

/// Adds the data endpoints to try, the hosts that may be sent a token, and where Azure Resource Manager is. `named` says
/// whether the plan's resources were named or are the default.
///
/// # Errors
/// A sentence that says what is wrong and what is accepted.
pub fn with_endpoints(
    mut plan: Plan,
    named: bool,
    probes: &[String],
    trusted_hosts: &[String],
    arm_endpoint: Option<&str>,
) -> Result<Plan, String> {
    plan.trusted_hosts = distinct(trusted_hosts.iter().map(|text| probe::host("--trust-host", text)))?;
    plan.arm_endpoint = arm_endpoint.map(probe::arm_endpoint).transpose()?;
    let named = if named { &plan.resources[..] } else { &[] };
    plan.probes = distinct(probes.iter().map(|text| probe::read(text, named, &plan.trusted_hosts)))?;
    if let Some(idle) = plan.trusted_hosts.iter().find(|host| !plan.probes.iter().any(|probe| is_at(&probe.url, host)))
    {
        return Err(format!("--trust-host {idle} has no --probe of that host to go with"));
    }
    Ok(plan)
}

/// Reads whose environment is judged.
///
/// # Errors
/// A sentence that says what is wrong and what is accepted.
pub fn whose(pid: Option<&str>, unit: Option<&str>) -> Result<Whose, String> {
    match (pid, unit) {
        (None, None) => Ok(Whose::Own),
        (Some(_), Some(_)) => Err("--pid and --unit name two environments; leave one out".into()),
        (Some(text), None) => match text.parse() {
            Ok(pid) if pid > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Whose::Process(pid)),
            _ => Err(format!("--pid takes the number of a process, such as 812; “{}” is none", visible(text))),
        },
        (None, Some(text)) if cfg!(windows) => match text {
            text if !text.is_empty() && text.len() <= 256 && !text.contains(['/', '\\']) => {
                Ok(Whose::Unit(text.into()))
            }
            _ => Err(format!("--unit takes the name of a Windows service, such as W3SVC; “{}” is none", visible(text))),
        },
        (None, Some(text)) => match UnitName::read(text) {
            Ok(unit) => Ok(Whose::Unit(unit.to_string())),
            Err(why) => {
                let text = visible(text);
                Err(format!("--unit takes the name of a systemd service, such as web or web@1.service; “{text}” {why}"))
            }
        },
    }
}

fn is_at(url: &str, host: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| url.host_str() == Some(host))
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, String> {
    let mut all = Vec::new();
    for item in items {
        let item = item?;
        if !all.contains(&item) {
            all.push(item);
        }
    }
    Ok(all)
}

fn selector(text: &str) -> Result<Selector, String> {
    if text.len() == 36
        && let Ok(guid) = uuid::Uuid::parse_str(text)
    {
        return Ok(Selector::Guid(guid.to_string()));
    }
    let plain = |c: char| c.is_alphanumeric() || "/-_.()".contains(c);
    if resource_id::is_user_assigned(text) && text.starts_with('/') && text.chars().all(plain) {
        return Ok(Selector::ResourceId(text.to_owned()));
    }
    Err(format!(
        "--identity takes a client ID or an object ID (a GUID), all, or the resource ID of a user-assigned identity \
         (/subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME); \
         “{}” is none of these",
        visible(text)
    ))
}

fn resource(text: &str) -> Result<Resource, String> {
    let alias = text.to_ascii_lowercase();
    if ALIASES.iter().any(|(name, _)| *name == alias) {
        return Ok(Resource::Alias(alias));
    }
    let is_uri = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "api") && url.has_host());
    if is_uri && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(Resource::Uri(text.to_owned()));
    }
    let names: Vec<&str> = ALIASES.iter().map(|(name, _)| *name).collect();
    Err(format!(
        "--resource takes a URI (https://… or api://…) or one of {}; “{}” is neither{}",
        names.join(", "),
        visible(text),
        suggestion(&alias, &names)
    ))
}

/// Reads a duration that may be zero.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn duration(flag: &str, text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) => Err(format!("{flag} takes at most 24h; “{}” is longer", visible(text))),
        Err(_) => Err(format!("{flag} takes a duration such as 500ms, 10s or 2m; “{}” is none", visible(text))),
    }
}

fn positive(flag: &str, text: &str) -> Result<Duration, String> {
    match duration(flag, text)? {
        none if none.is_zero() => Err(format!("{flag} takes a duration longer than nothing, such as 10s")),
        some => Ok(some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_guid_or_a_resource_id() {
        let id = "/subscriptions/s/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app";
        assert_eq!(selector(id), Ok(Selector::ResourceId(id.into())));
        let guid = "0F9E8D7C-6B5A-4938-8271-605F4E3D2C1B";
        assert_eq!(selector(guid), Ok(Selector::Guid(guid.to_lowercase())));
        for wrong in
            ["", "id-app", "0f9e8d7c6b5a49388271605f4e3d2c1b", &format!("{id}/x"), &id.replace("id-app", "a b")]
        {
            assert!(selector(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_resource_is_a_name_or_a_uri() {
        assert_eq!(resource("Vault"), Ok(Resource::Alias("vault".into())));
        assert_eq!(resource("api://my-app"), Ok(Resource::Uri("api://my-app".into())));
        assert!(resource("valut").is_err_and(|why| why.ends_with("did you mean “vault”?")));
        for wrong in ["", "$resource", "http://vault.azure.net", "https://", "https://a b"] {
            assert!(resource(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_has_bounds() {
        assert_eq!(duration("--delay", "0s"), Ok(Duration::ZERO));
        for wrong in ["", "10", "-1s", "25h", "soon"] {
            assert!(duration("--delay", wrong).is_err(), "{wrong}");
        }
        assert!(positive("--timeout", "0s").is_err());
    }
}
