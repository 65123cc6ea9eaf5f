//! Chains of credentials: which link should have worked, and what is said of it.
//!
//! Clients that try one credential after another print a reason for each. On an Azure VM the managed identity should have
//! worked, so its reason is the one to read, unless another link shows that it was tried and refused before: then the environment
//! leads the client away.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::found::Found;
use super::text::Text;
use crate::pattern::pattern;

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(environment|workloadidentity|managedidentity|imds|sharedtokencache|visualstudiocode|visualstudio|azurecli|azurepowershell|azuredevelopercli|azuredeveloper|interactivebrowser|broker|intellij|azurepipelines|clientsecret|clientassertion|clientcertificate)credential\b|\b(environment) credential - |\b(imds) - |\baz-cli - |azure cli could not be found|azure cli not found|azure developer cli could|unable to execute powershell|visual studio code authentication|please run 'az login'|tried to get token using (?:visual studio|azure cli|managed service identity|active directory integrated)|azure developer cli not found",
    )
});

const HEADS: [&str; 9] = [
    "defaultazurecredential failed",
    "defaultazurecredential: failed",
    "chainedtokencredential",
    "attempted credentials",
    "aggregateauthenticationerror",
    "multiple errors were encountered while attempting",
    "multiple exceptions were encountered while attempting",
    "methods to get an access token, but none of them worked",
    "tried the following",
];

/// A link's name and what is said of it.
struct Link {
    name: String,
    said: Range<usize>,
}

/// What a chain comes to.
pub enum Chain {
    /// The text is no chain.
    None,
    /// The managed identity's own reason decides; these parts of the text are about it.
    Managed(Vec<Range<usize>>),
    /// A link before it settles it, or none of them is a managed identity.
    Settled(Found),
}

/// Reads a chain.
pub fn read(text: &Text) -> Chain {
    let links = links(text);
    for link in &links {
        let said = &text.flat[link.said.clone()];
        if let Some((code, certain)) = refused(&link.name, said) {
            let mut found = Found::default();
            if certain {
                found.certain(code, &link.said);
            } else {
                found.likely(code, &link.said);
            }
            return Chain::Settled(found);
        }
    }
    if !text.has_any(&HEADS) {
        return Chain::None;
    }
    let managed: Vec<Range<usize>> =
        links.iter().filter(|link| is_managed(&link.name)).map(|link| link.said.clone()).collect();
    if !managed.is_empty() {
        return Chain::Managed(managed);
    }
    let developers = links.iter().any(|link| {
        ["azurecli", "azure cli", "visual studio", "visualstudio", "powershell", "sharedtokencache", "az login"]
            .iter()
            .any(|name| link.name.contains(name))
    });
    let environment = links.iter().any(|link| link.name.starts_with("environment"));
    if developers && !text.has("managed") && !text.has("imds") {
        // A chain of developers' sign-ins alone: the environment narrowed it, or the program did.
        let mut found = Found::default();
        let at = links.first().map_or(0..0, |link| link.said.clone());
        if environment {
            found.possible(&["env-shadowed", "client-outdated", "imds-timeout"], &at);
        } else {
            found.likely("env-shadowed", &at);
        }
        return Chain::Settled(found);
    }
    Chain::None
}

fn is_managed(name: &str) -> bool {
    name.contains("managedidentity") || name.starts_with("imds") || name.ends_with("managed service identity")
}

fn links(text: &Text) -> Vec<Link> {
    let heads: Vec<_> = LINK.find_iter(&text.flat).collect();
    let mut links: Vec<Link> = Vec::new();
    for (index, head) in heads.iter().enumerate() {
        let end = heads.get(index + 1).map_or(text.flat.len(), regex::Match::start);
        let name = head.as_str().to_owned();
        links.push(Link { name, said: head.start()..end });
    }
    links
}

/// Does this show that a link before the managed identity was tried and refused?
fn refused(name: &str, said: &str) -> Option<(&'static str, bool)> {
    let has = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if name.starts_with("environment") {
        if has(&[
            "aadsts7000215",
            "aadsts7000222",
            "aadsts700016",
            "aadsts700027",
            "aadsts50034",
            "aadsts50126",
            "aadsts90002",
        ]) {
            return Some(("env-shadowed", true));
        }
        if has(&["authentication failed", "authentication error", "invalid client", "invalid_client"]) {
            return Some(("env-shadowed", false));
        }
    }
    if name.starts_with("workloadidentity")
        && has(&[
            "no such file or directory",
            "aadsts70021",
            "aadsts700016",
            "aadsts70025",
            "aadsts700211",
            "failed to read",
        ])
    {
        return Some(("env-shadowed", true));
    }
    if said.contains("/var/run/secrets/azure/tokens") && has(&["enoent", "no such file", "failed to read"]) {
        return Some(("env-shadowed", true));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("chain.rs"), &[&LINK]);
    }
}
