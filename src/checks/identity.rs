//! Who signs in: is there an identity, and does its token speak for this VM.

use crate::azure::arm::VmIdentity;
use crate::azure::metadata::{self, IdentityError, Refusal};
use crate::azure::resource_id;
use crate::case::{Case, token_request};
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::evidence::Request;
use crate::plan::Selector;
use crate::token::Claims;

/// The checks of this topic.
pub static CHECKS: &[Check] = &[
    Check {
        id: "identity",
        stage: Stage::Identity,
        needs: &["platform", "metadata"],
        essential: true,
        codes: &["identity-none", "identity-ambiguous", "identity-unknown"],
        shared: &[],
        reads: &[],
        page: include_str!("../../checks/identity.md"),
        subjects: Subject::identities_and_their_list,
        ask: ask_identity,
        judge: judge_identity,
    },
    Check {
        id: "principal",
        stage: Stage::Identity,
        needs: &["metadata", "identity"],
        essential: true,
        codes: &["identity-stale", "identity-foreign"],
        shared: &[],
        reads: &[],
        page: include_str!("../../checks/principal.md"),
        subjects: Subject::identities,
        // It reads what the checks identity and reader asked for.
        ask: |_| Vec::new(),
        judge: judge_principal,
    },
];

/// The question for the tenant of the system-assigned identity.
pub(super) fn info_request() -> Request {
    Request::metadata(metadata::INFO)
}

/// Asks for the tenant of the system-assigned identity, and for a token for Azure Resource Manager: the metadata service
/// has no other way to say which identities there are.
fn ask_identity(case: &Case) -> Vec<Request> {
    if case.instance().is_none() {
        return Vec::new();
    }
    let mut requests = vec![info_request()];
    if let Some(uri) = first_uri(case) {
        requests.extend(case.token_requests(&uri));
        // When the named identity is not here, who else is?
        if requests.last().and_then(|last| case.refusal(last)) == Some(Refusal::NotFound) {
            requests.push(token_request(&uri, None));
        }
    }
    requests
}

/// The resource whose token shows whether there is an identity: Azure Resource Manager where roles are required, else, or
/// in an unknown cloud, the first that was named.
fn first_uri(case: &Case) -> Option<String> {
    let own = || case.plan_uris().into_iter().next();
    if case.requires_roles() { case.arm_uri().or_else(own) } else { own().or_else(|| case.arm_uri()) }
}

fn judge_identity(case: &Case) -> Verdict {
    if case.subject.every_identity {
        return unlisted(case);
    }
    let Some(request) = first_uri(case).and_then(|uri| case.token_request(&uri)) else {
        return Verdict::Unknown(match case.instance().and_then(|instance| instance.environment.clone()) {
            Some(cloud) => format!(
                "the VM's cloud is “{cloud}”, which midoctor does not know; name its Azure Resource Manager with --arm-endpoint, or a --resource URI"
            ),
            None => "no token was asked for".into(),
        });
    };
    let Some(answer) = case.evidence.answer(&request) else {
        return Verdict::Unknown("the question for a token brought no answer".into());
    };
    if let Some(claims) = &answer.token {
        // Clients that ask for "the system-assigned identity" do not notice that another one answers (documented).
        let lone = *case.selector() == Selector::Default && case.user_assigned(claims).is_some();
        let note = if lone { ", which answers since no identity was named and none is system-assigned" } else { "" };
        return Verdict::Pass(Facts::from([("identity", in_words(case, claims) + note)]));
    }
    let Some(error) = IdentityError::read(answer) else {
        return Verdict::Unknown(format!(
            "the answer {} to the question for a token says nothing of an identity",
            answer.status
        ));
    };
    let finding = |code: &'static str| {
        Finding::error(code)
            .with("status", error.status)
            .with("error", &error.error)
            .with("error_description", error.sentence())
    };
    match (error.meaning(), case.selector()) {
        (Refusal::NotFound, Selector::Default) => Verdict::found(finding("identity-none")),
        // Nobody answers without a name either, so there is nobody.
        (Refusal::NotFound, _) if case.refusal(&unnamed(case, &request)) == Some(Refusal::NotFound) => {
            Verdict::found(finding("identity-none"))
        }
        (Refusal::NotFound, Selector::Guid(id) | Selector::ResourceId(id)) => {
            Verdict::found(finding("identity-unknown").with("named", id).with("others", others(case)))
        }
        // Who wants all of them has not said which one is to list them.
        (Refusal::Ambiguous, Selector::Default) if case.plan().all_identities => Verdict::Unknown(
            "there are several user-assigned identities; name one of them with --identity beside all, so that it can list them".into(),
        ),
        (Refusal::Ambiguous, _) => {
            // Chains of credentials ask for the one that this variable names, and midoctor asked for none.
            let named = super::shadows::own_client(case);
            let finding = finding("identity-ambiguous");
            Verdict::found(named.iter().fold(finding, |finding, client| finding.with("named_client", client)))
        }
        // The service went on to ask Entra, so it has an identity to ask with.
        (Refusal::Resource, _) => Verdict::Pass(Facts::from([("identity", "one that was not named".to_owned())])),
        (Refusal::Malformed | Refusal::Other, _) => Verdict::Blocked("token"),
    }
}

/// All identities are wanted, and Azure Resource Manager has not listed them.
fn unlisted(case: &Case) -> Verdict {
    let asked = Subject::identities(case.evidence);
    let refused = asked.iter().find_map(|subject| {
        let one = Case::new(case.evidence, subject);
        case.evidence.answer(&one.vm_request()?)
    });
    Verdict::Unknown(match refused {
        Some(answer) if answer.status == 200 => "Azure Resource Manager lists none on this VM itself".into(),
        Some(answer) => format!(
            "which other identities there are is not told: Azure Resource Manager answers {} to the question for the VM; Reader on \
             the VM lets the identity see them, or name them with --identity",
            answer.status
        ),
        None => "which other identities there are was not asked".into(),
    })
}

/// The same question without naming an identity.
fn unnamed(case: &Case, request: &Request) -> Request {
    first_uri(case).map_or_else(|| request.clone(), |uri| token_request(&uri, None))
}

/// What else can sign in here, as a sentence, or nothing.
fn others(case: &Case) -> String {
    let unnamed = first_uri(case).and_then(|uri| case.evidence.answer(&token_request(&uri, None)));
    if let Some(claims) = unnamed.and_then(|answer| answer.token.as_ref()) {
        return format!("A request that names nobody is answered for {}.", in_words(case, claims));
    }
    if unnamed.and_then(IdentityError::read).is_some_and(|error| error.meaning() == Refusal::Ambiguous) {
        return "Several user-assigned identities are attached.".into();
    }
    match case.evidence.answer(&info_request()) {
        Some(answer) if metadata::tenant(answer).is_some() => "The VM does have a system-assigned identity.".into(),
        Some(answer) if IdentityError::read(answer).is_some() => "The VM has no system-assigned identity.".into(),
        _ => String::new(),
    }
}

/// An identity in words, from its token.
pub fn in_words(case: &Case, claims: &Claims) -> String {
    match (case.user_assigned(claims), claims.text("xms_mirid"), claims.client_id()) {
        (Some(id), _, _) => format!("the user-assigned identity {}", resource_id::name(&id)),
        (None, Some(_), _) => "the system-assigned identity".into(),
        (None, None, Some(client)) => format!("the identity with client ID {client}"),
        (None, None, None) => "an identity that its token does not name".into(),
    }
}

fn judge_principal(case: &Case) -> Verdict {
    let Some(claims) = case.any_claims() else {
        return no_claims(case);
    };
    let fact = |name: &str| claims.text(name).unwrap_or("not in the token").to_owned();
    if let Some((owner, expected)) = foreign_owner(case, claims) {
        return Verdict::found(Finding::error("identity-foreign").with("owner", owner).with("expected", expected));
    }
    if let Some((in_arm, detail)) = stale(case, claims) {
        let finding = Finding::error("identity-stale").with("token_principal", fact("oid")).with("detail", detail);
        return Verdict::found(match in_arm {
            Some(principal) => finding.with("arm_principal", principal),
            None => finding,
        });
    }
    // Without that comparison it is open, unless Azure Resource Manager is not to be asked; what kept the check reader from asking stands in the way here too.
    let answer = case.vm_request().and_then(|request| case.evidence.answer(&request));
    if case.requires_roles() && case.vm_identity().is_none() && answer.is_none_or(|answer| answer.status != 403) {
        return Verdict::Blocked("reader");
    }
    let client = claims.client_id().unwrap_or("not in the token");
    Verdict::Pass(Facts::from([("principal_id", fact("oid")), ("client_id", client.to_owned())]))
}

/// Why there is nothing to read: the token was refused, or it cannot be read.
fn no_claims(case: &Case) -> Verdict {
    let tokens: Vec<_> =
        case.plan_uris().iter().filter_map(|uri| case.evidence.answer(&case.token_request(uri)?)).collect();
    if tokens.iter().any(|answer| answer.token.is_some()) {
        Verdict::Blocked("validity")
    } else if tokens.iter().any(|answer| answer.status >= 400) {
        Verdict::Blocked("token")
    } else {
        Verdict::Unknown("no token was issued".into())
    }
}

/// Whom the token was issued to, and whom it should have been, when these differ. `xms_mirid` is the VM for a
/// system-assigned identity, and the identity itself for a user-assigned one, which then names the VM in `xms_az_rid`
/// (recorded; the latter is absent from older tokens).
fn foreign_owner(case: &Case, claims: &Claims) -> Option<(String, String)> {
    let is = |name: &str, id: &str| claims.text(name).is_some_and(|value| resource_id::same(value, id));
    let other = match case.selector() {
        Selector::Guid(id) => !["appid", "azp", "oid"].iter().any(|name| is(name, id)),
        Selector::ResourceId(id) => claims.text("xms_mirid").is_some() && !is("xms_mirid", id),
        Selector::Default => false,
    };
    if let (true, Selector::Guid(id) | Selector::ResourceId(id)) = (other, case.selector()) {
        return Some((in_words(case, claims), format!("the identity {id}")));
    }
    let vm = case.vm_id()?;
    let owner = claims.text("xms_mirid")?;
    let user = resource_id::is_user_assigned(owner);
    if user && unassigned(case, owner) {
        return Some((owner.to_owned(), "an identity that is assigned to this VM".into()));
    }
    let machine = if user { claims.text("xms_az_rid")? } else { owner };
    // An instance of a uniform scale set signs in as the set. (Assumed; no such token has been recorded.)
    let set = resource_id::scale_set(vm).is_some_and(|set| resource_id::same(machine, set));
    (!set && !resource_id::same(machine, vm)).then(|| (machine.to_owned(), "this VM".to_owned()))
}

/// Does Azure Resource Manager list the VM's identities, and not this one?
fn unassigned(case: &Case, identity: &str) -> bool {
    // An instance of a uniform scale set has its identities at the set, which is not read.
    let elsewhere = case.vm_id().is_some_and(|id| resource_id::scale_set(id).is_some());
    let block = case.vm_identity().filter(|block| !elsewhere || **block != VmIdentity::default());
    block.is_some_and(|block| !block.user_assigned.iter().any(|one| resource_id::same(&one.resource_id, identity)))
}

/// Does Azure Resource Manager show another principal than the token? Returns the one it shows, and a sentence.
fn stale(case: &Case, claims: &Claims) -> Option<(Option<String>, String)> {
    // A token of another cloud is the check validity's business.
    if !case.cloud()?.issues(claims.text("iss")?, claims.text("tid")?) {
        return None;
    }
    let block = case.vm_identity()?;
    let oid = claims.text("oid")?;
    let listed = |principal: &Option<String>| principal.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(oid));
    // An instance of a uniform scale set has its identities at the set, which is not read.
    let elsewhere = resource_id::scale_set(case.vm_id()?).is_some() && *block == VmIdentity::default();
    if elsewhere || listed(&block.principal_id) || block.user_assigned.iter().any(|one| listed(&one.principal_id)) {
        return None;
    }
    let shown = match case.user_assigned(claims) {
        Some(id) => {
            let same = block.user_assigned.iter().find(|one| resource_id::same(&one.resource_id, &id));
            same.and_then(|one| one.principal_id.clone())
        }
        None => block.principal_id.clone(),
    };
    match shown {
        Some(shown) => {
            let detail =
                format!("Azure Resource Manager shows the principal {shown}: the identity was made again since.");
            Some((Some(shown), detail))
        }
        None => {
            let detail =
                "Azure Resource Manager shows no such identity on this VM: it was taken off, or made again, since.";
            Some((None, detail.into()))
        }
    }
}
