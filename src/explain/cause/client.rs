//! Which client printed a text, as far as its own names and habits tell.
//!
//! The first sign that fits decides, so those of programs come before those of the libraries in them.

use super::text::Text;

const SIGNS: &[(&str, &str)] = &[
    ("azcopy", "AzCopy"),
    ("failed to perform login command", "AzCopy"),
    ("blobfuse", "BlobFuse"),
    ("azstorage.go", "BlobFuse"),
    ("##[error]", "Azure Pipelines"),
    ("secrets-store", "Secrets Store CSI driver"),
    ("external-dns", "external-dns"),
    ("parsing seal configuration", "HashiCorp Vault"),
    ("terraform", "Terraform"),
    ("error: building account", "Terraform"),
    ("opendal", "OpenDAL"),
    ("azure_rm_common", "Ansible"),
    ("certbot", "Certbot"),
    ("curl: (", "curl"),
    ("wget", "wget"),
    ("invoke-webrequest", "PowerShell"),
    ("invoke-restmethod", "PowerShell"),
    ("connect-azaccount", "Azure PowerShell"),
    ("az login", "Azure CLI"),
    ("azure cli", "Azure CLI"),
    ("com.azure.", "Java azure-identity"),
    ("com.microsoft.aad.msal4j", "Java MSAL"),
    ("azure.identity.authenticationfailedexception", ".NET Azure.Identity"),
    ("azure.identity.credentialunavailableexception", ".NET Azure.Identity"),
    ("microsoft.identity.client", ".NET MSAL"),
    ("msal.netcore", ".NET MSAL"),
    ("azureservicetokenprovider", ".NET AppAuthentication"),
    ("tried to get token using managed service identity", ".NET AppAuthentication"),
    ("system.net.", ".NET"),
    ("azsdk/js", "Node.js @azure/identity"),
    ("aggregateauthenticationerror", "Node.js @azure/identity"),
    ("credentialunavailableerror: managedidentitycredential", "Node.js @azure/identity"),
    ("msrestazure", "Python msrestazure"),
    ("azure.identity.", "Python azure-identity"),
    ("azsdk/python", "Python azure-identity"),
    (".get_token failed", "Python azure-identity"),
    ("azure.core.exceptions", "Python azure-core"),
    ("msrest.exceptions", "Python msrest"),
    ("httpx.", "Python httpx"),
    ("aiohttp", "Python aiohttp"),
    ("requests.exceptions", "Python requests"),
    ("urllib.error", "Python urllib"),
    ("urllib3.", "Python urllib3"),
    ("adal: ", "Go adal"),
    ("bearerauthorizer#withauthorization", "Go autorest"),
    ("autorest/azure", "Go autorest"),
    ("azsdk/go", "Go azidentity"),
    ("azsdk/cpp", "C++ Azure SDK"),
    ("azuresdkerror", "Rust azure_identity"),
    ("getaddrinfo enotfound", "Node.js"),
    ("connect econnrefused", "Node.js"),
    ("connect etimedout", "Node.js"),
    ("dial tcp", "Go"),
    ("error: (authorizationfailed)", "Azure CLI"),
];

/// The client, where that can be told.
pub fn of(text: &Text) -> Option<&'static str> {
    SIGNS.iter().find(|(sign, _)| text.has(sign)).map(|(_, client)| *client)
}
