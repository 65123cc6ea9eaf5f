//! What a check sees: the evidence so far, the subject it is asked about, and the readings that several checks share.
//!
//! Nothing here judges. Everything is derived from evidence, so the same case can be read again in a year.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::azure::arm;
use crate::azure::cloud::Cloud;
use crate::azure::metadata::{self, IdentityError, Instance, Refusal};
use crate::azure::resource_id;
use crate::check::Subject;
use crate::evidence::{Answer, Exchange, Outcome, Request, TOKEN_PATH};
use crate::plan::{Plan, Resource, Selector};
use crate::reading::Reading;
use crate::token::Claims;

/// A subject together with all that is known.
pub struct Case<'a> {
    /// What is known.
    pub evidence: &'a Reading<'a>,
    /// What is judged.
    pub subject: &'a Subject,
    /// Asked for with every role and every assignment.
    arm_token: OnceCell<Option<Request>>,
    principal: OnceCell<Option<&'a str>>,
}

impl<'a> Case<'a> {
    /// A case about this subject.
    pub fn new(evidence: &'a Reading<'a>, subject: &'a Subject) -> Self {
        Self { evidence, subject, arm_token: OnceCell::new(), principal: OnceCell::new() }
    }

    /// What the run was asked to look at.
    pub fn plan(&self) -> &'a Plan {
        self.evidence.plan()
    }

    /// The identities that the run is about: those that were named, and, once Azure Resource Manager has listed them, all
    /// others of the VM when all are wanted.
    pub fn identities(reading: &Reading) -> Vec<Selector> {
        let plan = reading.plan();
        let Some(block) = Self::listed_identities(reading) else { return plan.identities.clone() };
        let mut all: Vec<Selector> = plan.identities.clone();
        // Who answers to no name is among the listed, by its own name.
        all.retain(|selector| *selector != Selector::Default);
        let is = |id: &Option<String>, guid: &str| id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(guid));
        // The client ID of the system-assigned identity is in its token alone.
        let speaks_for_system = |selector: &Selector| {
            let subject = Subject { identity: Some(selector.clone()), ..Subject::default() };
            let claims = Case::new(reading, &subject).any_claims();
            claims.and_then(|claims| claims.text("oid")).is_some_and(|oid| is(&block.principal_id, oid))
        };
        if block.principal_id.is_some() && !all.iter().any(speaks_for_system) {
            all.insert(0, Selector::Default);
        }
        for listed in &block.user_assigned {
            let named = all.iter().any(|selector| match selector {
                Selector::Guid(guid) => is(&listed.client_id, guid) || is(&listed.principal_id, guid),
                Selector::ResourceId(id) => resource_id::same(id, &listed.resource_id),
                Selector::Default => false,
            });
            if !named && resource_id::is_user_assigned(&listed.resource_id) {
                all.push(Selector::ResourceId(listed.resource_id.clone()));
            }
        }
        all
    }

    /// The VM's identities as Azure Resource Manager lists them to the first that may read the VM, when all are wanted. An empty
    /// list is none: whoever asks has an identity, so its list is elsewhere, at a scale set.
    pub fn listed_identities(reading: &Reading) -> Option<Rc<arm::VmIdentity>> {
        let plan = reading.plan();
        let shown = |selector: &Selector| {
            let subject = Subject { identity: Some(selector.clone()), ..Subject::default() };
            Case::new(reading, &subject).vm_identity().filter(|block| **block != arm::VmIdentity::default())
        };
        plan.all_identities.then(|| plan.identities.iter().find_map(shown)).flatten()
    }

    /// The question for the VM's own document.
    pub fn instance_request() -> Request {
        Request::metadata(metadata::INSTANCE)
    }

    /// What the metadata service says of the VM; `None` unless Azure itself answered.
    pub fn instance(&self) -> Option<&'a Instance> {
        self.evidence.instance()
    }

    /// The VM's cloud, once it is known and one we know, or one whose ARM host the user named.
    pub fn cloud(&self) -> Option<&'a Cloud> {
        self.evidence.cloud()
    }

    /// The VM's ARM resource ID, checked to be one: it becomes part of URLs.
    pub fn vm_id(&self) -> Option<&'a str> {
        self.evidence.vm_id()
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
    pub fn arm_token(&self) -> Option<&Request> {
        let find = || {
            let uri = self.arm_uri()?;
            self.claims_for(&uri).filter(|claims| claims.unreadable.is_none())?;
            self.token_request(&uri)
        };
        self.arm_token.get_or_init(find).as_ref()
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
        block.user_assigned.iter().find(|listed| own(listed)).map(|listed| listed.resource_id.clone())
    }

    /// The VM's identities as Azure Resource Manager shows them to the case's identity.
    pub fn vm_identity(&self) -> Option<Rc<arm::VmIdentity>> {
        self.evidence.vm_identity(&self.vm_request()?)
    }

    /// The question for the VM at Azure Resource Manager, as the case's identity.
    pub fn vm_request(&self) -> Option<Request> {
        let url = arm::vm_url(&self.cloud()?.arm_host, self.vm_id()?);
        Some(Request::manager(url, Some(self.arm_token()?)))
    }

    /// Is anything required that Azure Resource Manager would have to be asked for?
    pub fn requires_roles(&self) -> bool {
        !self.plan().requirements.is_empty()
    }

    /// Is Azure Resource Manager asked at all: for what is required, or for the VM's identities?
    pub fn asks_manager(&self) -> bool {
        self.requires_roles() || self.plan().all_identities
    }

    /// The scope that the case's requirement is about.
    pub fn scope(&self) -> Option<&'a str> {
        let own = self.subject.requirement.as_ref().and_then(|requirement| requirement.scope.as_deref());
        own.or_else(|| self.vm_id())
    }

    /// The principal (object) ID of the case's identity, from its token for Azure Resource Manager.
    pub fn principal(&self) -> Option<&'a str> {
        let find = || self.claims_for(&self.arm_uri()?)?.text("oid").filter(|oid| uuid::Uuid::parse_str(oid).is_ok());
        *self.principal.get_or_init(find)
    }

    /// The last outcome of a question that was put.
    pub fn outcome(&self, request: &Request) -> Option<&'a Outcome> {
        self.evidence.outcome(request)
    }

    /// The exchange of a question that was put.
    pub fn exchange(&self, request: &Request) -> Option<&'a Exchange> {
        self.evidence.exchange(request)
    }

    /// The question for the environment that is judged.
    pub fn environment(&self) -> Request {
        Request::Environment { of: self.plan().environment.clone() }
    }

    /// Did the user name an environment that is not known, or known in part alone?
    pub fn lacks_environment(&self) -> bool {
        let whole = || self.outcome(&self.environment()).is_some_and(Outcome::is_whole_environment);
        !self.plan().environment.is_own() && !whole()
    }

    /// The variables of the environment that is judged, when they were read.
    pub fn variables(&self) -> Option<&'a BTreeMap<String, String>> {
        match self.outcome(&self.environment())? {
            Outcome::Variables { set, .. } => Some(set),
            _ => None,
        }
    }

    /// A variable of the environment, when that was read. Clients take an empty one for unset, and so does this.
    pub fn variable(&self, name: &str) -> Option<&'a str> {
        self.variables()?.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Was this asked on Windows? There alone these questions are put.
    pub fn is_windows(&self) -> bool {
        let windows = |exchange: &Exchange| matches!(exchange.request, Request::Settings | Request::Firmware { .. });
        self.evidence.exchanges().iter().any(windows)
    }

    /// The text of a short file, when it was read.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        match self.outcome(&Request::file(path))? {
            Outcome::Contents { text } => Some(text),
            _ => None,
        }
    }

    /// Is this file known to be there?
    pub fn is_there(&self, path: &str) -> bool {
        matches!(self.outcome(&Request::presence(path)), Some(Outcome::Present))
    }
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
