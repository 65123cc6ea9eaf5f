//! What a check sees: the evidence so far, the subject it is asked about, and the readings that several checks share.
//!
//! Nothing here judges. Everything is derived from evidence, so the same case can be read again in a year.

use crate::azure::cloud::Cloud;
use crate::azure::metadata::{self, IdentityError, Instance, Refusal, Responder};
use crate::azure::resource_id;
use crate::azure::{arm, resource_id::VmId};
use crate::check::Subject;
use crate::evidence::{Answer, Evidence, Exchange, Outcome, Request, TOKEN_PATH};
use crate::plan::{Plan, Resource, Selector};
use crate::token::Claims;

/// A subject together with all that is known.
pub struct Case<'a> {
    /// What is known.
    pub evidence: &'a Evidence,
    /// What is judged.
    pub subject: &'a Subject,
}

impl<'a> Case<'a> {
    /// A case about this subject.
    pub fn new(evidence: &'a Evidence, subject: &'a Subject) -> Self {
        Self { evidence, subject }
    }

    /// What the run was asked to look at.
    pub fn plan(&self) -> &'a Plan {
        &self.evidence.asked
    }

    /// The question for the VM's own document.
    pub fn instance_request() -> Request {
        Request::metadata(metadata::INSTANCE)
    }

    /// What the metadata service says of the VM; `None` unless Azure itself answered.
    pub fn instance(&self) -> Option<Instance> {
        let answer = self.evidence.answer(&Self::instance_request())?;
        (metadata::responder(answer) == Responder::Azure).then(|| Instance::read(answer)).flatten()
    }

    /// The VM's cloud, once it is known and one we know, or one whose ARM host the user named.
    pub fn cloud(&self) -> Option<Cloud> {
        Cloud::of(self.instance()?.environment.as_deref(), self.plan().arm_endpoint.as_deref())
    }

    /// The VM's ARM resource ID, checked to be one: it becomes part of URLs.
    pub fn vm_id(&self) -> Option<String> {
        let id = self.instance()?.resource_id?;
        // Resource groups may have letters of any language; what could change a URL may not be in it.
        let plain = |c: char| c.is_alphanumeric() || "/-_.()".contains(c);
        let steps_out = id.split('/').any(|part| part == "." || part == "..");
        (VmId::parse(&id).is_some() && id.starts_with('/') && id.chars().all(plain) && !steps_out).then_some(id)
    }

    /// The identity this case is about.
    pub fn selector(&self) -> &Selector {
        self.subject.identity.as_ref().unwrap_or(&Selector::Default)
    }

    /// The URI that the case's resource stands for in the VM's cloud.
    pub fn resource_uri(&self) -> Option<String> {
        self.uri_of(self.subject.resource.as_ref()?)
    }

    /// A URI stands for itself in any cloud; what a name stands for hangs on the VM's.
    fn uri_of(&self, resource: &Resource) -> Option<String> {
        match resource {
            Resource::Uri(uri) => Some(uri.clone()),
            alias => self.cloud()?.uri(alias),
        }
    }

    /// The URIs of the plan's resources, as far as the VM's cloud is known.
    pub fn plan_uris(&self) -> Vec<String> {
        self.plan().resources.iter().filter_map(|resource| self.uri_of(resource)).collect()
    }

    /// The URI of Azure Resource Manager in the VM's cloud.
    pub fn arm_uri(&self) -> Option<String> {
        self.cloud()?.uri(&Resource::Alias("arm".into()))
    }

    /// The questions that ask for the case's identity's token, as far as they are due: a GUID is tried as a client ID,
    /// and as an object ID only when no identity has that client ID.
    pub fn token_requests(&self, uri: &str) -> Vec<Request> {
        let named = |key: &str, value: &str| token_request(uri, Some((key, value)));
        match self.selector() {
            Selector::Default => vec![token_request(uri, None)],
            Selector::ResourceId(id) => vec![named("msi_res_id", id)],
            Selector::Guid(guid) => {
                let by_client = named("client_id", guid);
                if self.refusal(&by_client) == Some(Refusal::NotFound) {
                    vec![by_client, named("object_id", guid)]
                } else {
                    vec![by_client]
                }
            }
        }
    }

    /// The token question that counts for this URI: the last one that is due.
    pub fn token_request(&self, uri: &str) -> Option<Request> {
        self.token_requests(uri).pop()
    }

    /// Why the metadata service refused that token question, if it did.
    pub fn refusal(&self, request: &Request) -> Option<Refusal> {
        IdentityError::read(self.evidence.answer(request)?).map(|error| error.meaning())
    }

    /// The token question for the case's resource, with its answer.
    pub fn token_answer(&self) -> Option<&'a Answer> {
        self.evidence.answer(&self.token_request(&self.resource_uri()?)?)
    }

    /// What the case's identity's token for this URI says.
    pub fn claims_for(&self, uri: &str) -> Option<&'a Claims> {
        self.evidence.answer(&self.token_request(uri)?)?.token.as_ref()
    }

    /// The token question for Azure Resource Manager, when its token can be sent there.
    pub fn arm_token(&self) -> Option<Request> {
        let uri = self.arm_uri()?;
        self.claims_for(&uri).filter(|claims| claims.unreadable.is_none())?;
        self.token_request(&uri)
    }

    /// Any token of the case's identity: Azure Resource Manager's first, else one of another resource.
    pub fn any_claims(&self) -> Option<&'a Claims> {
        let uris = self.arm_uri().into_iter().chain(self.plan_uris());
        uris.filter_map(|uri| self.claims_for(&uri)).find(|claims| claims.unreadable.is_none())
    }

    /// The resource ID of the user-assigned identity that this token is for: by its own word (`xms_mirid`, recorded), or
    /// else by the principal that Azure Resource Manager lists. `None` for a system-assigned identity.
    pub fn user_assigned(&self, claims: &Claims) -> Option<String> {
        if let Some(owner) = claims.text("xms_mirid") {
            return resource_id::is_user_assigned(owner).then(|| owner.to_owned());
        }
        let principal = claims.text("oid")?;
        let block = self.vm_identity()?;
        let own = |listed: &arm::UserAssigned| {
            listed.principal_id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(principal))
        };
        block.user_assigned.into_iter().find(own).map(|listed| listed.resource_id)
    }

    /// The VM's identities as Azure Resource Manager shows them to the case's identity.
    pub fn vm_identity(&self) -> Option<arm::VmIdentity> {
        arm::VmIdentity::read(self.evidence.answer(&self.vm_request()?)?)
    }

    /// The question for the VM at Azure Resource Manager, as the case's identity.
    pub fn vm_request(&self) -> Option<Request> {
        let url = arm::vm_url(&self.cloud()?.arm_host, &self.vm_id()?);
        Some(Request::manager(url, Some(&self.arm_token()?)))
    }

    /// Is anything required that Azure Resource Manager would have to be asked for?
    pub fn requires_roles(&self) -> bool {
        !self.plan().requirements.is_empty()
    }

    /// The scope that the case's requirement is about.
    pub fn scope(&self) -> Option<String> {
        let own = self.subject.requirement.as_ref().and_then(|requirement| requirement.scope.clone());
        own.or_else(|| self.vm_id())
    }

    /// The question for the case's identity's permissions at the scope of its requirement.
    pub fn permissions_request(&self) -> Option<Request> {
        let url = arm::permissions_url(&self.cloud()?.arm_host, &self.scope()?);
        Some(Request::manager(url, Some(&self.arm_token()?)))
    }

    /// The question for what the role with this GUID allows.
    pub fn role_request(&self, guid: &str) -> Option<Request> {
        let vm = VmId::parse(&self.vm_id()?)?;
        let definition =
            format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{guid}", vm.subscription);
        let url = arm::definition_url(&self.cloud()?.arm_host, &definition);
        Some(Request::manager(url, Some(&self.arm_token()?)))
    }

    /// The question for the case's identity's role assignments that reach the VM.
    pub fn assignments_request(&self) -> Option<Request> {
        let principal =
            self.claims_for(&self.arm_uri()?)?.text("oid").filter(|oid| uuid::Uuid::parse_str(oid).is_ok())?;
        let url = arm::assignments_url(&self.cloud()?.arm_host, &self.vm_id()?, principal);
        Some(Request::manager(url, Some(&self.arm_token()?)))
    }

    /// The case's identity's role assignments, as far as they were told.
    pub fn assignments(&self) -> Option<Vec<arm::Assignment>> {
        arm::assignments(self.evidence.answer(&self.assignments_request()?)?)
    }

    /// The questions for the definitions of the roles held, each once.
    pub fn definition_requests(&self) -> Vec<(String, Request)> {
        let (Some(cloud), Some(token)) = (self.cloud(), self.arm_token()) else { return Vec::new() };
        let mut ids: Vec<String> =
            self.assignments().unwrap_or_default().into_iter().map(|held| held.definition).collect();
        ids.sort();
        ids.dedup();
        ids.retain(|id| is_definition(id));
        ids.into_iter()
            .take(DEFINITIONS)
            .map(|id| {
                let request = Request::manager(arm::definition_url(&cloud.arm_host, &id), Some(&token));
                (id, request)
            })
            .collect()
    }

    /// The roles held, in words: `Reader (this VM), Contributor (resource group rg)`.
    pub fn roles_held(&self) -> Option<String> {
        let words: Vec<String> = self.assignments()?.iter().map(|held| self.role_in_words(held)).collect();
        Some(if words.is_empty() { "no role".into() } else { words.join(", ") })
    }

    /// A role that is held, with where: `Reader (this VM)`; by its GUID where its definition was not read.
    pub fn role_in_words(&self, held: &arm::Assignment) -> String {
        let name = self.definition(held).and_then(arm::role_name);
        let name = name.unwrap_or_else(|| resource_id::name(&held.definition).to_owned());
        format!("{name} ({})", resource_id::scope_in_words(&held.scope, &self.vm_id().unwrap_or_default()))
    }

    /// The definition of a role that is held, when it was read.
    pub fn definition(&self, held: &arm::Assignment) -> Option<&'a Answer> {
        let (_, request) = self.definition_requests().into_iter().find(|(id, _)| *id == held.definition)?;
        self.evidence.answer(&request)
    }

    /// The last outcome of a question that was put.
    pub fn outcome(&self, request: &Request) -> Option<&'a Outcome> {
        self.evidence.outcome(request)
    }

    /// The exchange of a question that was put.
    pub fn exchange(&self, request: &Request) -> Option<&'a Exchange> {
        self.evidence.exchange(request)
    }

    /// A variable of the environment, when that was read. Clients take an empty one for unset, and so does this.
    pub fn variable(&self, name: &str) -> Option<&'a str> {
        match self.outcome(&Request::Environment)? {
            Outcome::Variables { set } => set.get(name).map(String::as_str).filter(|value| !value.is_empty()),
            _ => None,
        }
    }
}

/// So many role definitions are read at most: they only give names.
const DEFINITIONS: usize = 10;

fn is_definition(id: &str) -> bool {
    id.to_ascii_lowercase().contains("/providers/microsoft.authorization/roledefinitions/")
        && id.starts_with('/')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c))
}

/// A token question: `resource` becomes the audience as it is spelled; `msi_res_id` is the service's name for a resource
/// ID (recorded).
pub fn token_request(uri: &str, selector: Option<(&str, &str)>) -> Request {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("api-version", "2018-02-01").append_pair("resource", uri);
    if let Some((key, value)) = selector {
        query.append_pair(key, value);
    }
    Request::metadata(&format!("{TOKEN_PATH}?{}", query.finish()))
}
