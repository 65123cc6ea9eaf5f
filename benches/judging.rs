//! The bench of judging a run: 500 requirements at a VM against thousands of assignments and permissions, all of them met or none,
//! and of putting that into words. Run by hand: `cargo bench --bench judging`; the target is less than 100 ms each. At the end it
//! prints the most memory that such a run held, in a process of its own each; the target is 64 MB. Not a test.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use midoctor::azure::permissions::Operation;
use midoctor::azure::roles;
use midoctor::diagnosis::{self, diagnose};
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Evidence, Raw, Reply, Request, Wire};
use midoctor::plan::{Plan, Required, Requirement};
use midoctor::render::json;
use midoctor::report::{Report, Run};
use midoctor::simulator::{Azure, Scenario, SimulatedMachine, vm};
use midoctor::token::{Secret, Token};

const ASSIGNMENTS: usize = 4000;
const PERMISSIONS: usize = 2000;
const DENIALS: usize = 20;
const REQUIREMENTS: usize = 500;
/// Roles that no table knows, a few hundred of them, as a large organisation has.
const CUSTOM_ROLES: usize = 300;
/// Tells a process to measure the memory of one run.
const MARK: &str = "MIDOCTOR_BENCH_MEMORY";

/// A simulated machine whose Azure Resource Manager has long lists.
struct Machine {
    simulated: SimulatedMachine,
    /// On how many pages assignments and permissions come.
    pages: [usize; 2],
}

impl Wire for Machine {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let Some(body) = request.url().and_then(|url| self.list(url)) else {
            return self.simulated.ask(request, bearer, within);
        };
        let headers = vec![("x-ms-request-id".to_owned(), "r".to_owned())];
        let body = Secret::new(body.into_bytes());
        Reply {
            took: Duration::from_millis(50),
            raw: Raw::Http { status: 200, headers, body, cut: false, certificate: None },
        }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.simulated.now()
    }
}

impl Machine {
    fn list(&self, url: &str) -> Option<String> {
        let (base, query) = url.split_once('?')?;
        let kind = base.rsplit_once("/providers/Microsoft.Authorization/")?.1;
        let (count, pages, item): (usize, usize, fn(usize) -> String) = match kind {
            "roleAssignments" => (ASSIGNMENTS, self.pages[0], assignment),
            "permissions" => (PERMISSIONS, self.pages[1], permission),
            "denyAssignments" => (DENIALS, 1, denial),
            _ => return None,
        };
        let page = query.rsplit_once("skipToken=").map_or(0, |(_, page)| page.parse().unwrap());
        let size = count / pages;
        let mut body = String::from("{\"value\":[");
        for n in page * size..(page + 1) * size {
            body += if n == page * size { "" } else { "," };
            body += &item(n);
        }
        body += "]";
        if page + 1 < pages {
            let first = query.split("&%24skipToken=").next().unwrap();
            write!(body, ",\"nextLink\":\"{base}?{first}&%24skipToken={}\"", page + 1).unwrap();
        }
        Some(body + "}")
    }
}

fn guid(kind: usize, n: usize) -> String {
    format!("{n:08x}-{kind:04x}-4000-8000-{n:012x}")
}

/// What is required; the first is met by the permissions below, the second by nobody.
fn action(met: bool, n: usize) -> String {
    let provider = if met { "Contoso" } else { "Unheard" };
    format!("Microsoft.{provider}/accounts/things{n}/write")
}

/// An assignment with all fields that Azure Resource Manager sends: of roles that do not allow what is required.
fn assignment(n: usize) -> String {
    let wide = Operation::Action(action(false, 0));
    let role = match n % 2 {
        0 => roles::all().iter().filter(|role| !role.allows(&wide)).cycle().nth(n / 2 % 40).unwrap().guid.clone(),
        _ => guid(1, n / 2 % CUSTOM_ROLES),
    };
    let principal = if n.is_multiple_of(4) { guid(2, n) } else { vm::SYSTEM.principal_id.to_owned() };
    let condition = if n.is_multiple_of(50) { "\"@Resource[Microsoft.Storage/x] StringEquals 'y'\"" } else { "null" };
    let version = if n.is_multiple_of(50) { "\"2.0\"" } else { "null" };
    let (subscription, granter) = (vm::SUBSCRIPTION, guid(3, 1));
    let scope = format!("/subscriptions/{subscription}/resourceGroups/rg-{n:04}");
    let made = "2026-01-01T10:11:12.0000000Z";
    format!(
        "{{\"properties\":{{\"roleDefinitionId\":\"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}\",\
         \"principalId\":\"{principal}\",\"principalType\":\"ServicePrincipal\",\"scope\":\"{scope}\",\"condition\":{condition},\
         \"conditionVersion\":{version},\"createdOn\":\"{made}\",\"updatedOn\":\"{made}\",\"createdBy\":\"{granter}\",\
         \"updatedBy\":\"{granter}\",\"delegatedManagedIdentityResourceId\":null,\"description\":null}},\
         \"id\":\"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}\",\
         \"type\":\"Microsoft.Authorization/roleAssignments\",\"name\":\"{name}\"}}",
        name = guid(4, n)
    )
}

/// Ten actions: of every fourth entry one is required.
fn permission(n: usize) -> String {
    let mut actions: Vec<String> = (0..9).map(|at| format!("Microsoft.Contoso/accounts{n}/kind{at}/*/read")).collect();
    actions.push(if n.is_multiple_of(4) {
        action(true, n / 4)
    } else {
        format!("Microsoft.Contoso/accounts{n}/write")
    });
    serde_json::json!({"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}).to_string()
}

/// For others than this identity.
fn denial(n: usize) -> String {
    let actions: Vec<String> = (0..10).map(|at| format!("*/things{n}{at}/write")).collect();
    let principals: Vec<_> =
        (0..5).map(|at| serde_json::json!({"id": guid(5, 10 * n + at), "type": "ServicePrincipal"})).collect();
    let scope = vm::group_id();
    serde_json::json!({"properties": {
        "denyAssignmentName": format!("deny {n}"), "description": "",
        "permissions": [{"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}],
        "scope": scope, "doNotApplyToChildScopes": false, "principals": principals, "excludePrincipals": [],
        "isSystemProtected": true,
    }, "id": format!("{scope}/providers/Microsoft.Authorization/denyAssignments/{}", guid(6, n)),
       "type": "Microsoft.Authorization/denyAssignments", "name": guid(6, n)})
    .to_string()
}

fn evidence(met: bool, pages: [usize; 2]) -> Evidence {
    let scenario = Scenario::parse(Some(""), &[]).unwrap();
    let simulated = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
    let required = |n| Requirement { what: Required::Action(action(met, n)), scope: None };
    let plan = Plan { requirements: (0..REQUIREMENTS).map(required).collect(), ..Plan::default() };
    engine::examine(&Machine { simulated, pages }, &plan, Limits::default(), &|_: &Request| {}).0
}

fn report(evidence: Evidence) -> Report {
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    Report::new(&diagnose(&evidence), evidence, run)
}

fn judge(bench: &mut Criterion) {
    for (met, word) in [(true, "met"), (false, "not met")] {
        let evidence = evidence(met, [4, 2]);
        let told = report(evidence.clone());
        let (bytes, summary) = (told.evidence.exchanges.len(), &told.summary);
        println!("{word}: exit code {}, {bytes} questions, {summary:?}", told.exit_code);
        bench.bench_function(&format!("diagnose: 500 requirements {word}"), |bench| {
            bench.iter(|| diagnose(black_box(&evidence)));
        });
        let diagnosis = diagnosis::diagnose(&evidence);
        bench.bench_function(&format!("report: 500 requirements {word}"), |bench| {
            let run = || Run { id: "r".into(), attempts: 1, ..Run::default() };
            bench.iter_batched(
                || evidence.clone(),
                |evidence| Report::new(black_box(&diagnosis), evidence, run()),
                BatchSize::PerIteration,
            );
        });
    }
}

/// The high-water mark of this process, by the kernel's account.
fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().to_owned()
}

fn main() {
    if let Ok(which) = std::env::var(MARK) {
        let start = most_memory();
        let evidence = evidence(which.starts_with("met"), if which.ends_with("one page") { [1, 1] } else { [4, 2] });
        let bytes: usize = evidence
            .exchanges
            .iter()
            .flat_map(|one| &one.attempts)
            .filter_map(|one| one.outcome.answer())
            .map(|answer| answer.body.len())
            .sum();
        let asked = most_memory();
        let report = report(evidence);
        let judged = most_memory();
        let json = json::render(&report).unwrap().len();
        println!(
            "{which}: {bytes} bytes of bodies; VmHWM at start {start}, asked {asked}, judged and in words {judged}, as JSON of {json} bytes {}",
            most_memory()
        );
        return;
    }
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    judge(&mut criterion);
    criterion.final_summary();
    let own = std::env::current_exe().unwrap();
    for which in ["met, pages", "met, one page", "not met, pages", "not met, one page"] {
        Command::new(&own).env(MARK, which).status().unwrap();
    }
}
