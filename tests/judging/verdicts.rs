//! What the checks make of machines that no single example shows: two faults at once, limits and just beyond, answers that
//! contradict each other. In process, at a fixed time.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::time::Duration;

use midoctor::check::Status;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Answer, Evidence, Failure, Outcome, Raw, Reply, Request, Wire};
use midoctor::options;
use midoctor::report::{IdentityKind, Report, Run};
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};
use midoctor::token::Token;

const VM: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor/providers/Microsoft.Compute/virtualMachines/vm-doctor-01";
const SET: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor/providers/Microsoft.Compute/virtualMachineScaleSets/ss";
const ID_APP: &str = "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573";
const NOBODY: &str = "0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b";

/// A simulated machine of which some answers are replaced.
struct Machine<'a> {
    simulated: SimulatedMachine,
    instead: &'a (dyn Fn(&Request) -> Option<(Duration, Outcome)> + Sync),
}

impl Wire for Machine<'_> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        match (self.instead)(request) {
            Some((took, outcome)) => Reply { took, raw: Raw::Plain(outcome) },
            None => self.simulated.ask(request, bearer, within),
        }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.simulated.now()
    }
}

/// A case in the making.
#[derive(Clone, Default)]
struct Case<'a> {
    toml: &'a str,
    http: Vec<String>,
    identity: Vec<&'a str>,
    resource: Vec<&'a str>,
    require: Vec<&'a str>,
    limits: Limits,
}

impl<'a> Case<'a> {
    fn of(toml: &'a str) -> Self {
        Self { toml, ..Self::default() }
    }

    /// With a literal answer: `METHOD URL`, status line, body.
    fn answering(mut self, request: &str, head: &str, body: &str) -> Self {
        self.http.push(format!("{request}\n\nHTTP/1.1 {head}\n\n{body}"));
        self
    }

    fn evidence(&self, instead: &(dyn Fn(&Request) -> Option<(Duration, Outcome)> + Sync)) -> Evidence {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let http: Vec<&str> = self.http.iter().map(String::as_str).collect();
        let scenario = Scenario::parse(Some(self.toml), &http).unwrap();
        let plan = options::plan(&own(&self.identity), &own(&self.resource), &own(&self.require)).unwrap();
        let simulated = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
        engine::examine(&Machine { simulated, instead }, &plan, self.limits, &|_: &Request| {}).0
    }

    fn report(&self) -> Report {
        report(self.evidence(&|_| None))
    }
}

fn report(evidence: Evidence) -> Report {
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

/// Verdict in short: exit code, root cause, and the checks that neither passed nor were blocked; that no data endpoint was named
/// goes without saying.
fn gist(report: &Report) -> (u8, Option<&str>, Vec<(&str, Status)>) {
    let odd = |status| !matches!(status, Status::Pass | Status::Blocked);
    let checks = report.checks.iter().filter(|check| odd(check.status) && check.id != "data");
    let checks = checks.map(|check| (check.id.as_str(), check.status)).collect();
    (report.exit_code, report.root_cause.as_deref(), checks)
}

fn status<'a>(report: &'a Report, id: &str) -> (Status, Option<&'a str>) {
    let check = report.checks.iter().find(|check| check.id == id).unwrap();
    (check.status, check.blocked_by.as_deref())
}

/// Changes the last answers to the questions that fit.
fn change(evidence: &mut Evidence, fits: impl Fn(&Request) -> bool, change: impl Fn(&mut Answer)) {
    let mut changed = 0;
    for exchange in evidence.exchanges.iter_mut().filter(|exchange| fits(&exchange.request)) {
        if let Outcome::Answered(answer) = &mut exchange.attempts.last_mut().unwrap().outcome {
            change(answer);
            changed += 1;
        }
    }
    assert!(changed > 0, "nothing fits");
}

fn asks_info(request: &Request) -> bool {
    request.url().is_some_and(|url| url.contains("/identity/info"))
}

#[test]
fn of_two_faults_the_one_with_more_consequences_is_the_root_cause() {
    let proxy = "[environment]\nHTTP_PROXY = \"http://proxy\"\n";
    let both = [("environment", Status::Fail), ("identity", Status::Fail)];
    let case = format!("system_assigned = false\n{proxy}");
    assert_eq!(gist(&Case::of(&case).report()), (1, Some("identity-none"), both.to_vec()));
    let both = [("environment", Status::Fail), ("reader", Status::Fail)];
    let case = format!("roles = []\n{proxy}");
    assert_eq!(gist(&Case::of(&case).report()), (1, Some("role-missing"), both.to_vec()));
}

#[test]
fn a_wrong_clock_explains_a_token_that_looks_expired() {
    let report = Case::of("clock_offset_seconds = 90000").report();
    assert_eq!(gist(&report), (1, Some("clock-skewed"), vec![("clock", Status::Fail)]));
    assert_eq!(status(&report, "validity"), (Status::Blocked, Some("clock")));
}

#[test]
fn a_clock_may_be_five_minutes_off_and_no_more() {
    for (seconds, exit) in [("-299", 0), ("299", 0), ("301", 1), ("-301", 1)] {
        let toml = format!("clock_offset_seconds = {seconds}");
        assert_eq!(Case::of(&toml).report().exit_code, exit, "{seconds} s");
    }
}

#[test]
fn a_role_may_take_ten_minutes_to_count_and_no_more() {
    for (age, code) in [("600", "role-propagating"), ("601", "role-missing")] {
        let toml = format!("role_effective = false\nrole_age_seconds = {age}");
        assert_eq!(Case::of(&toml).report().root_cause.as_deref(), Some(code), "{age} s");
    }
}

#[test]
fn the_environment_is_judged_as_clients_read_it() {
    use Status::{Fail, Pass, Warn};
    for (variables, expected) in [
        ("IDENTITY_ENDPOINT = \"\"\nMSI_ENDPOINT = \"\"", Pass),
        // An empty one hides the other from .NET and from azure.identity.aio.
        ("http_proxy = \"http://p\"\nno_proxy = \"\"\nNO_PROXY = \"169.254.169.254\"", Warn),
        ("http_proxy = \"http://p\"\nno_proxy = \"localhost\"\nNO_PROXY = \"169.254.169.254\"", Fail),
        ("http_proxy = \"http://p\"\nNO_PROXY = \"localhost, 169.254.169.254\"", Pass),
        ("http_proxy = \"http://p\"\nNO_PROXY = \"*\"", Warn),
        ("http_proxy = \"http://p\"\nNO_PROXY = \"169.254.169.254:80\"", Fail),
        ("http_proxy = \"http://p\"\nNO_PROXY = \"169.254.169.25\"", Fail),
        ("http_proxy = \"http://p\"\nNO_PROXY = \"169.254.0.0/16\"", Warn),
        ("HTTPS_PROXY = \"http://p\"", Warn),
        ("HTTPS_PROXY = \"http://p\"\nno_proxy = \"169.254.169.254\"", Pass),
        ("NO_PROXY = \"localhost\"", Pass),
        ("ALL_PROXY = \"http://p\"", Fail),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://169.254.169.254\"", Pass),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://169.254.169.254.evil\"", Fail),
        ("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_CLIENT_SECRET = \"s\"", Fail),
        ("AZURE_TENANT_ID = \"t\"\nAZURE_AUTHORITY_HOST = \"h\"\nAZURE_FEDERATED_TOKEN_FILE = \"f\"", Fail),
        ("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_SECRET = \"s\"", Pass),
        ("AZURE_CLIENT_ID = \"0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b\"", Fail),
        ("AZURE_CLIENT_ID = \"6A2D5F84-3C19-4B7A-9E02-D8F1C0B6E573\"", Pass),
    ] {
        let toml = format!("user_assigned = [\"id-app\"]\n[environment]\n{variables}");
        assert_eq!(status(&Case::of(&toml).report(), "environment").0, expected, "{variables}");
    }
}

#[test]
fn a_manager_that_keeps_silent_to_those_who_show_a_token_is_not_there() {
    for (why, code) in [(Failure::AnswerTimeout, "arm-unreachable"), (Failure::Closed, "arm-unreachable")] {
        let carries_token = |request: &Request| match request {
            Request::Http(http) if http.bearer.is_some() => Some((Duration::from_secs(1), Outcome::failed(why, "x"))),
            _ => None,
        };
        let report = report(Case::of("").evidence(&carries_token));
        assert_eq!(gist(&report), (1, Some(code), vec![("arm", Status::Fail)]), "{why:?}");
        assert_eq!(status(&report, "reader"), (Status::Blocked, Some("arm")));
    }
}

#[test]
fn a_gateway_in_front_of_the_manager_is_not_the_manager() {
    let html = "503 Service Unavailable\nVia: 1.1 gate\nContent-Type: text/html";
    let report = Case::of("").answering("ANY https://management.azure.com/*", html, "<html>busy</html>").report();
    assert_eq!(report.root_cause.as_deref(), Some("arm-unreachable"));
    let json = "403 Forbidden\nContent-Type: application/json";
    let report = Case::of("").answering("ANY https://management.azure.com/*", json, "{\"blocked\":true}").report();
    assert_eq!(report.root_cause.as_deref(), Some("arm-unreachable"));
}

#[test]
fn a_manager_that_is_busy_with_one_question_is_busy() {
    let url = format!("GET https://management.azure.com{VM}/providers/Microsoft.Authorization/permissions");
    let busy = "429 Too Many Requests\nx-ms-request-id: r\nContent-Type: application/json";
    let report =
        Case::of("").answering(&url, busy, "{\"error\":{\"code\":\"SubscriptionRequestsThrottled\"}}").report();
    assert_eq!(report.root_cause.as_deref(), Some("service-transient"));
}

#[test]
fn permissions_that_may_not_be_asked_for_are_held_against_the_roles_that_are_listed() {
    let url = format!("GET https://management.azure.com{VM}/providers/Microsoft.Authorization/permissions");
    let denied = "403 Forbidden\nx-ms-request-id: r\nContent-Type: application/json";
    let body = "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"may not perform action 'Microsoft.Authorization/permissions/read' over\"}}";
    let report = Case::of("").answering(&url, denied, body).report();
    assert_eq!(gist(&report), (3, None, vec![("roles", Status::Unknown)]));
    let report = Case::of("roles = [\"Virtual Machine Reader\"]").answering(&url, denied, body).report();
    assert_eq!(report.root_cause.as_deref(), Some("role-insufficient"));
}

#[test]
fn a_list_of_permissions_that_goes_on_is_not_judged_as_if_it_ended() {
    let url = format!("GET https://management.azure.com{VM}/providers/Microsoft.Authorization/permissions");
    let page = "{\"value\":[{\"actions\":[\"Microsoft.Compute/*\"]}],\"nextLink\":\"https://management.azure.com/x\"}";
    let head = "200 OK\nx-ms-request-id: r\nContent-Type: application/json";
    let report = Case::of("").answering(&url, head, page).report();
    assert_eq!(gist(&report), (3, None, vec![("roles", Status::Unknown)]));
}

#[test]
fn a_token_refused_for_another_resource_does_not_stand_between_the_identity_and_its_vm() {
    let refused = "400 Bad Request\nServer: IMDS/1\nContent-Type: application/json";
    let body = "{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS500011: x\"}";
    let vault = "GET http://169.254.169.254/metadata/identity/oauth2/token?resource=https://vault.azure.net";
    for resources in [vec!["vault"], vec!["arm", "vault"]] {
        let case = Case { resource: resources, ..Case::of("") }.answering(vault, refused, body);
        let report = case.report();
        assert_eq!(gist(&report), (1, Some("resource-invalid"), vec![("token", Status::Fail)]));
        assert_eq!(status(&report, "reader"), (Status::Pass, None));
        assert_eq!(status(&report, "roles"), (Status::Pass, None));
    }
}

#[test]
fn a_tenant_that_the_subscription_left_is_told() {
    let refused = "401 Unauthorized\nx-ms-request-id: r\nContent-Type: application/json";
    let body = "{\"error\":{\"code\":\"InvalidAuthenticationTokenTenant\",\"message\":\"from the wrong issuer 'https://sts.windows.net/A/'. It must match the tenant 'https://sts.windows.net/B/' associated\"}}";
    let report = Case::of("").answering(&format!("GET https://management.azure.com{VM}"), refused, body).report();
    assert_eq!(report.root_cause.as_deref(), Some("cloud-mismatch"));
    let seen = &report.checks.iter().flat_map(|check| &check.findings).next().unwrap().seen;
    assert!(seen.contains("https://sts.windows.net/B/"), "{seen}");

    let mut evidence = Case::of("").evidence(&|_| None);
    change(&mut evidence, asks_info, |answer| answer.body = format!("{{\"tenantId\":\"{NOBODY}\"}}"));
    assert_eq!(self::report(evidence).root_cause.as_deref(), Some("cloud-mismatch"));
}

#[test]
fn an_identity_used_on_another_vm_is_foreign() {
    let other = VM.replace("vm-doctor-01", "vm-doctor-02");
    let toml = format!("system_assigned = false\nuser_assigned = [\"id-app\"]\n[token]\nxms_az_rid = \"{other}\"");
    let report = Case::of(&toml).report();
    assert_eq!(gist(&report), (1, Some("identity-foreign"), vec![("principal", Status::Fail)]));
}

#[test]
fn a_token_for_another_identity_than_the_named_one_is_foreign() {
    let case = Case { identity: vec![ID_APP], ..Case::of("user_assigned = [\"id-app\"]") };
    let mut evidence = case.evidence(&|_| None);
    change(&mut evidence, Request::asks_for_token, |answer| {
        for claim in ["appid", "oid"] {
            answer.token.as_mut().unwrap().known.insert(claim.into(), NOBODY.into());
        }
    });
    assert_eq!(report(evidence).root_cause.as_deref(), Some("identity-foreign"));
}

#[test]
fn a_token_that_does_not_name_its_owner_is_matched_by_its_principal() {
    let mut evidence = Case::of("system_assigned = false\nuser_assigned = [\"id-app\"]").evidence(&|_| None);
    change(&mut evidence, Request::asks_for_token, |answer| {
        answer.token.as_mut().unwrap().known.remove("xms_mirid");
    });
    let report = report(evidence);
    assert_eq!((report.exit_code, report.identities[0].kind), (0, IdentityKind::User));
    assert!(report.identities[0].resource_id.as_deref().unwrap().ends_with("/id-app"));
}

#[test]
fn a_named_identity_on_a_vm_without_any_is_a_vm_without_any() {
    let case = Case { identity: vec![NOBODY], ..Case::of("system_assigned = false") };
    assert_eq!(case.report().root_cause.as_deref(), Some("identity-none"));
}

/// An instance of a uniform scale set: its own document, and what Azure Resource Manager shows of it.
fn in_scale_set(case: Case) -> Case {
    let document = format!(
        "{{\"compute\":{{\"azEnvironment\":\"AzurePublicCloud\",\"name\":\"ss_3\",\"vmId\":\"v\",\"resourceId\":\"{SET}/virtualMachines/3\"}}}}"
    );
    let head = "200 OK\nServer: IMDS/1\nDate: Tue, 01 Sep 2026 10:11:12 GMT\nContent-Type: application/json";
    let vm = format!("{{\"id\":\"{SET}/virtualMachines/3\",\"name\":\"ss_3\"}}");
    case.answering("GET http://169.254.169.254/metadata/instance", head, &document).answering(
        &format!("GET https://management.azure.com{SET}/virtualMachines/3"),
        "200 OK\nx-ms-request-id: r\nContent-Type: application/json",
        &vm,
    )
}

#[test]
fn an_instance_of_a_scale_set_signs_in_as_the_set() {
    let toml = format!("[token]\nxms_mirid = \"{SET}\"");
    let case = in_scale_set(Case::of(&toml));
    assert_eq!(status(&case.report(), "principal"), (Status::Pass, None));
}

#[test]
fn a_scale_set_gets_its_own_commands() {
    let lines = |report: &Report| -> Vec<String> {
        let findings = report.checks.iter().flat_map(|check| &check.findings);
        findings.flat_map(|finding| &finding.remedy.commands).map(|command| command.line.clone()).collect()
    };
    let set = lines(&in_scale_set(Case::of("system_assigned = false")).report());
    assert!(
        set.iter().any(|line| line.starts_with("az vmss identity assign --resource-group rg-doctor --name ss ")),
        "{set:?}"
    );
    assert!(!set.iter().any(|line| line.contains("az vm ") || line.contains("AzVM")), "{set:?}");
    let vm = lines(&Case::of("system_assigned = false").report());
    assert!(vm.iter().any(|line| line.starts_with("az vm identity assign ")), "{vm:?}");
    assert!(!vm.iter().any(|line| line.contains("vmss")), "{vm:?}");
}

#[test]
fn an_answer_that_the_deadline_cut_off_is_held_against_nobody() {
    let slow = |request: &Request| {
        let late = Outcome::failed(Failure::AnswerTimeout, "timed out");
        request.asks_for_token().then_some((Duration::from_millis(2990), late))
    };
    let case = Case { limits: Limits { deadline: Duration::from_secs(3), ..Limits::default() }, ..Case::of("") };
    let report = report(case.evidence(&slow));
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (3, None));
}

#[test]
fn a_resource_group_may_have_letters_of_any_language() {
    let mut evidence = Case::of("").evidence(&|_| None);
    change(
        &mut evidence,
        |request| request.url().is_some_and(|url| url.contains("/metadata/instance")),
        |answer| {
            answer.body = answer.body.replace("rg-doctor", "rg-größe");
        },
    );
    let subject = midoctor::check::Subject::default();
    let url = midoctor::case::Case::new(&midoctor::reading::Reading::new(&evidence), &subject).vm_request().unwrap();
    assert!(url.url().unwrap().contains("/rg-gr%C3%B6%C3%9Fe/"), "{url:?}");
}

/// Microsoft's limit for token requests is five at a time.
#[test]
fn no_more_than_five_questions_are_at_the_metadata_service_at_once() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (open, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let guids: Vec<String> = (0..20).map(|index| format!("0f9e8d7c-6b5a-4938-8271-605f4e3d{index:04}")).collect();
    let counted = |request: &Request| {
        if request.goes_to_metadata() {
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            open.fetch_sub(1, Ordering::SeqCst);
        }
        None
    };
    let case = Case { identity: guids.iter().map(String::as_str).collect(), ..Case::of("") };
    let asked = case.evidence(&counted).exchanges.iter().filter(|one| one.request.asks_for_token()).count();
    assert!(asked >= 20, "{asked}");
    assert!((2..=5).contains(&most.into_inner()), "side by side, and never more than five");
}

#[test]
fn a_token_for_azure_resource_manager_is_judged_though_another_resource_was_named() {
    let refused = "400 Bad Request\nServer: IMDS/1\nContent-Type: application/json";
    let manager = "GET http://169.254.169.254/metadata/identity/oauth2/token?resource=https://management.azure.com/";
    let body = "{\"error\":\"unauthorized_client\",\"error_description\":\"no\"}";
    let case = Case { resource: vec!["vault"], ..Case::of("") }.answering(manager, refused, body);
    assert_eq!(gist(&case.report()), (1, Some("token-refused"), vec![("token", Status::Fail)]));
    // With nothing required it is not even asked for.
    let case = Case { require: vec!["none"], ..case };
    assert_eq!(case.report().exit_code, 0, "{:?}", case.report().checks);
}

#[test]
fn an_answer_that_came_outweighs_a_later_try_that_ran_out_of_time() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let busy = |request: &Request| match request {
        Request::Http(http) if http.url.contains("/subscriptions/") && http.bearer.is_none() => {
            let busy = Answer {
                status: 503,
                headers: [("x-ms-request-id".to_owned(), "r".to_owned())].into(),
                ..Answer::default()
            };
            Some(match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => (Duration::from_millis(100), Outcome::Answered(busy)),
                _ => (Duration::from_secs(5), Outcome::failed(Failure::AnswerTimeout, "late")),
            })
        }
        _ => None,
    };
    let report = report(Case::of("").evidence(&busy));
    assert_eq!(report.root_cause.as_deref(), Some("service-transient"));
    assert_eq!(tries.into_inner(), 2);
}

#[test]
fn a_time_out_inside_a_questions_own_time_is_held_against_the_other_side() {
    let late = |request: &Request| {
        let failed = || Outcome::failed(Failure::ConnectTimeout, "late");
        matches!(request, Request::Connect { port: 80, .. }).then(|| (Duration::from_secs(2), failed()))
    };
    let case = Case { limits: Limits { deadline: Duration::from_secs(5), ..Limits::default() }, ..Case::of("") };
    assert_eq!(report(case.evidence(&late)).root_cause.as_deref(), Some("imds-timeout"));
}

#[test]
fn the_time_of_a_stranger_says_nothing_of_the_clock() {
    let html = "200 OK\nDate: Tue, 01 Sep 2020 10:11:12 GMT\nContent-Type: text/html";
    let report = Case::of("").answering("ANY http://169.254.169.254/*", html, "<html>sign in</html>").report();
    assert_eq!(status(&report, "clock"), (Status::Blocked, Some("metadata")));
    let report = Case::of("").answering("ANY https://management.azure.com/*", html, "<html>sign in</html>").report();
    assert_eq!(status(&report, "clock"), (Status::Pass, None));
}

#[test]
fn a_client_id_that_is_not_known_to_be_wrong_is_not_called_wrong() {
    let toml = format!("user_assigned = [\"id-app\"]\n[environment]\nAZURE_CLIENT_ID = \"{ID_APP}\"");
    let case = Case { identity: vec![ID_APP], ..Case::of(&toml) };
    assert_eq!(case.report().exit_code, 0, "{:?}", case.report().checks);
    // Azure Resource Manager lists none with an instance of a scale set, and the metadata service knows it.
    let toml = format!(
        "user_assigned = [\"id-app\"]\n[environment]\nAZURE_CLIENT_ID = \"{ID_APP}\"\n[token]\nxms_mirid = \"{SET}\""
    );
    let case = in_scale_set(Case::of(&toml));
    assert_eq!(status(&case.report(), "environment"), (Status::Pass, None));
}

#[test]
fn a_named_identity_beside_several_others_is_told_so() {
    let stranger = "aaaaaaaa-0000-4000-8000-000000000001";
    let toml = "system_assigned = false\nuser_assigned = [\"id-app\", \"id-batch\"]";
    let case = Case { identity: vec![stranger], ..Case::of(toml) };
    let report = case.report();
    let summaries: Vec<&String> = report.checks.iter().map(|check| &check.summary).collect();
    let found = report.checks.iter().flat_map(|check| &check.findings).next();
    let seen = &found.unwrap_or_else(|| panic!("{summaries:#?}")).seen;
    assert!(seen.ends_with("Several user-assigned identities are attached."), "{seen}");
}
