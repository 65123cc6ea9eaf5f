//! Azure Resource Manager: the addresses of what is read there, and reading what it answers.
//!
//! Sources: the recording of `az vm identity` (VM body and identity block), Microsoft's REST specifications (permissions, role
//! assignments, role definitions), recorded error bodies. Nothing here decides what a role is good for; see `permissions`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::metadata::field;
use super::permissions::Permission;
use crate::evidence::Answer;

/// Letters beyond ASCII as URLs have them.
fn encoded(url: String) -> String {
    Url::parse(&url).map_or(url, Into::into)
}

/// The VM itself. Needs `Microsoft.Compute/virtualMachines/read`.
pub fn vm_url(host: &str, vm: &str) -> String {
    encoded(format!("https://{host}{vm}?api-version=2024-07-01"))
}

/// The subscription, asked without a token: Azure Resource Manager answers 401 and so shows that it is there.
pub fn probe_url(host: &str, subscription: &str) -> String {
    format!("https://{host}/subscriptions/{subscription}?api-version=2022-12-01")
}

/// What the caller may do at a scope, over all its assignments.
pub fn permissions_url(host: &str, scope: &str) -> String {
    encoded(format!("https://{host}{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"))
}

/// The role assignments at a scope and above that are held by this principal, directly or through groups.
pub fn assignments_url(host: &str, scope: &str, principal: &str) -> String {
    listing(host, scope, "roleAssignments", &format!("atScope() and assignedTo('{principal}')"))
}

/// The same with those below the scope.
pub fn assignments_below_url(host: &str, scope: &str, principal: &str) -> String {
    listing(host, scope, "roleAssignments", &format!("assignedTo('{principal}')"))
}

/// The deny assignments at a scope and above, whomever they are for.
pub fn denials_url(host: &str, scope: &str) -> String {
    listing(host, scope, "denyAssignments", "atScope()")
}

/// The resource groups of a subscription that the caller may see.
pub fn groups_url(host: &str, subscription: &str) -> String {
    format!("https://{host}/subscriptions/{subscription}/resourcegroups?api-version=2021-04-01")
}

fn listing(host: &str, scope: &str, kind: &str, filter: &str) -> String {
    let base = format!("https://{host}{scope}/providers/Microsoft.Authorization/{kind}");
    match Url::parse_with_params(&base, [("api-version", "2022-04-01"), ("$filter", filter)]) {
        Ok(url) => url.into(),
        Err(_) => base,
    }
}

/// A role definition, by the ID that an assignment names.
pub fn definition_url(host: &str, definition: &str) -> String {
    format!("https://{host}{definition}?api-version=2022-04-01")
}

/// An ARM error: `{"error": {"code": …, "message": …}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmError {
    /// The code: `AuthorizationFailed`, `ExpiredAuthenticationToken`, ….
    pub code: String,
    /// The sentence.
    pub message: String,
}

impl ArmError {
    /// Reads an error answer; `None` for a success or another shape.
    pub fn read(answer: &Answer) -> Option<Self> {
        if answer.status < 400 {
            return None;
        }
        let json = answer.json()?;
        let error = field(&json, "error")?;
        let text = |name: &str| field(error, name).and_then(Value::as_str).map(str::to_owned);
        Some(Self { code: text("code")?, message: text("message").unwrap_or_default() })
    }

    /// The text between the first `mark` and the quote that closes it: `…perform action 'A'` gives `A`.
    pub fn quoted_after(&self, mark: &str) -> Option<&str> {
        let (_, rest) = self.message.split_once(mark)?;
        let (_, rest) = rest.split_once('\'')?;
        rest.split_once('\'').map(|(quoted, _)| quoted)
    }

    /// The name of the deny assignment that a DenyAssignmentAuthorizationFailed names. It can hold quotes itself, so it
    /// ends where the sentence goes on.
    pub fn deny_assignment(&self) -> Option<&str> {
        let (_, rest) = self.message.split_once("deny assignment with name '")?;
        rest.split_once("' and Id").map(|(name, _)| name)
    }

    /// The scope at which that deny assignment stands.
    pub fn deny_scope(&self) -> Option<&str> {
        let (_, rest) = self.message.rsplit_once("at scope '")?;
        rest.split_once('\'').map(|(scope, _)| scope)
    }
}

/// Does this answer come from Azure Resource Manager, or from somebody in between? It gives every request an ID (recorded),
/// and its errors have a shape of their own.
pub fn is_arm(answer: &Answer) -> bool {
    let marked = ["x-ms-request-id", "x-ms-correlation-request-id"].iter().any(|name| answer.header(name).is_some());
    marked || ArmError::read(answer).is_some()
}

/// The identity block of a VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmIdentity {
    /// Principal ID of the system-assigned identity.
    pub principal_id: Option<String>,
    /// The user-assigned identities.
    pub user_assigned: Vec<UserAssigned>,
}

/// A user-assigned identity as a VM lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAssigned {
    /// Its ARM resource ID.
    pub resource_id: String,
    /// Its principal ID; null after it was deleted and made again (recorded).
    pub principal_id: Option<String>,
    /// Its client ID.
    pub client_id: Option<String>,
}

impl VmIdentity {
    /// Reads the VM's body; `None` where any of it is not what it should be, since what is not there counts. A VM without
    /// identities has no `identity` key at all.
    pub fn read(answer: &Answer) -> Option<Self> {
        if answer.status != 200 {
            return None;
        }
        let json = answer.json()?;
        field(&json, "id")?.as_str()?;
        let there = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
        let Some(identity) = there(field(&json, "identity")) else { return Some(Self::default()) };
        identity.as_object()?;
        // A text, or nothing at all.
        let text = |value: &Value, name: &str| match there(field(value, name)) {
            None => Some(None),
            Some(value) => value.as_str().filter(|text| !text.is_empty()).map(|text| Some(text.to_owned())),
        };
        let user_assigned = match there(field(&identity, "userAssignedIdentities")) {
            None => Vec::new(),
            Some(all) => {
                let one = |(id, value): (&String, &Value)| {
                    let (principal_id, client_id) = (text(value, "principalId")?, text(value, "clientId")?);
                    Some(UserAssigned { resource_id: id.clone(), principal_id, client_id })
                };
                all.as_object()?.iter().map(one).collect::<Option<_>>()?
            }
        };
        Some(Self { principal_id: text(&identity, "principalId")?, user_assigned })
    }
}

/// A role assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The role definition's ID.
    pub definition: String,
    /// Where it holds.
    pub scope: String,
    /// Who holds it: the identity itself, or a group that it is in.
    pub principal: String,
    /// When it was made, where that is told.
    pub created: Option<jiff::Timestamp>,
    /// The condition it is under, if any.
    pub condition: Option<String>,
}

/// A deny assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyAssignment {
    /// Its name.
    pub name: String,
    /// What it denies.
    pub permissions: Vec<Permission>,
    /// Where it holds.
    pub scope: String,
    /// Does it hold at its scope alone, and not below?
    pub at_scope_alone: bool,
    /// Whom it is for.
    pub principals: Vec<Principal>,
    /// Whom it spares.
    pub excluded: Vec<Principal>,
}

/// Somebody that a deny assignment names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Principal {
    /// Its object ID; all zeroes for everyone (documented).
    pub id: String,
    /// `ServicePrincipal`, `User`, `Group`, or `SystemDefined` for everyone.
    #[serde(default, rename = "type")]
    pub kind: String,
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items; what cannot be read is left out.
    pub items: Vec<T>,
    /// So many were left out.
    pub odd: usize,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// A page as it is sent. Lists can be megabytes, so they are read into what is wanted of them and nothing else.
#[derive(Deserialize)]
struct SentPage<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink")]
    next: Option<String>,
}

/// The same with its items as they stand.
#[derive(Deserialize)]
struct SentItems<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct SentAssignment {
    properties: SentAssignmentProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentAssignmentProperties {
    role_definition_id: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    principal_id: String,
    created_on: Option<String>,
    condition: Option<String>,
}

#[derive(Deserialize)]
struct SentDenial {
    properties: SentDenialProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentDenialProperties {
    #[serde(default)]
    deny_assignment_name: String,
    #[serde(default)]
    permissions: Vec<Permission>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    do_not_apply_to_child_scopes: bool,
    #[serde(default)]
    principals: Vec<Principal>,
    #[serde(default)]
    exclude_principals: Vec<Principal>,
}

/// Reads a page of role assignments; `None` when the answer is not one.
pub fn assignments(answer: &Answer) -> Option<Page<Assignment>> {
    page(answer, |SentAssignment { properties: sent }| Assignment {
        definition: sent.role_definition_id,
        scope: sent.scope,
        principal: sent.principal_id,
        created: sent.created_on.and_then(|time| time.parse().ok()),
        condition: sent.condition.filter(|text| !text.trim().is_empty()),
    })
}

/// Reads a page of deny assignments; `None` when the answer is not one.
pub fn deny_assignments(answer: &Answer) -> Option<Page<DenyAssignment>> {
    page(answer, |SentDenial { properties: sent }| DenyAssignment {
        name: sent.deny_assignment_name,
        permissions: sent.permissions,
        scope: sent.scope,
        at_scope_alone: sent.do_not_apply_to_child_scopes,
        principals: sent.principals,
        excluded: sent.exclude_principals,
    })
}

/// Reads a page of permissions, one entry per assignment; `None` when the answer is not one.
pub fn permissions(answer: &Answer) -> Option<Page<Permission>> {
    page(answer, |entry: Permission| entry)
}

/// The names of resource groups; `None` when the answer is not a list.
pub fn groups(answer: &Answer) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Group {
        name: String,
    }
    page(answer, |group: Group| group.name).map(|page| page.items)
}

/// Where a list goes on, whatever it lists.
pub fn next_link(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Link {
        #[serde(rename = "nextLink")]
        next: Option<String>,
    }
    let whole = answer.status == 200 && !answer.cut;
    let body = answer.body.trim_start_matches('\u{feff}');
    whole.then(|| serde_json::from_str::<Link>(body).ok()?.next).flatten()
}

fn page<S: DeserializeOwned, T>(answer: &Answer, read: impl Fn(S) -> T) -> Option<Page<T>> {
    if answer.status != 200 || answer.cut {
        return None;
    }
    let body = answer.body.trim_start_matches('\u{feff}');
    if let Ok(sent) = serde_json::from_str::<SentPage<S>>(body) {
        return Some(Page { items: sent.value.into_iter().map(read).collect(), odd: 0, next: sent.next });
    }
    // One odd item must not hide the others.
    let sent: SentItems = serde_json::from_str(body).ok()?;
    let all = sent.value.len();
    let items: Vec<T> =
        sent.value.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).map(read).collect();
    Some(Page { odd: all - items.len(), items, next: sent.next })
}

/// The name of a role definition.
pub fn role_name(answer: &Answer) -> Option<String> {
    let json = answer.json().filter(|_| answer.status == 200)?;
    field(field(&json, "properties")?, "roleName")?.as_str().map(str::to_owned)
}

/// What a role definition allows; `None` where a part of it cannot be read, for then it could allow anything.
pub fn definition_permissions(answer: &Answer) -> Option<Vec<Permission>> {
    let json = answer.json().filter(|_| answer.status == 200)?;
    let entries = field(field(&json, "properties")?, "permissions")?.as_array()?;
    entries.iter().map(Permission::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_error_sentence_are_found() {
        let error = ArmError {
            code: "DenyAssignmentAuthorizationFailed".into(),
            message: "The client 'c' with object id 'o' has permission to perform action 'A/read' on scope '/s'; however, \
                      the access is denied because of the deny assignment with name 'it's locked' and Id 'i' at scope '/p'."
                .into(),
        };
        assert_eq!(error.quoted_after("perform action"), Some("A/read"));
        assert_eq!(error.deny_assignment(), Some("it's locked"));
        assert_eq!(error.deny_scope(), Some("/p"));
        assert_eq!(error.quoted_after("nowhere"), None);
    }

    #[test]
    fn a_vm_without_identities_has_none() {
        let answer = Answer { status: 200, body: r#"{"id":"/x"}"#.into(), ..Answer::default() };
        assert_eq!(VmIdentity::read(&answer), Some(VmIdentity::default()));
    }

    #[test]
    fn a_vm_whose_identities_are_not_understood_is_not_one_without() {
        let read = |body: &str| VmIdentity::read(&Answer { status: 200, body: body.into(), ..Answer::default() });
        for body in [
            r#"{"id":7}"#,
            r#"{"id":"/x","identity":[]}"#,
            r#"{"id":"/x","identity":{"principalId":7}}"#,
            r#"{"id":"/x","identity":{"principalId":""}}"#,
            r#"{"id":"/x","identity":{"userAssignedIdentities":["/y"]}}"#,
            r#"{"id":"/x","identity":{"userAssignedIdentities":{"/y":{"clientId":false}}}}"#,
        ] {
            assert_eq!(read(body), None, "{body}");
        }
        let body = r#"{"id":"/x","identity":{"principalId":null,"userAssignedIdentities":{"/y":{}}}}"#;
        assert_eq!(read(body).map(|identity| identity.user_assigned.len()), Some(1));
    }

    #[test]
    fn items_that_are_not_understood_are_counted() {
        let body = r#"{"value":[{"properties":{"roleDefinitionId":"/r"}},{"properties":{"roleDefinitionId":5}},7]}"#;
        let page = assignments(&Answer { status: 200, body: body.into(), ..Answer::default() });
        assert_eq!(page.map(|page| (page.items.len(), page.odd)), Some((1, 2)));
    }
}
