//! Connections that did not come about: what went wrong, in the words of every runtime and language, and with whom.
//!
//! Hosts, ports and error numbers survive translation, so a fault is joined with the host that is named nearest before it.
//! What a fault means for a managed identity is judged in `judge`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::text::{Text, boundary, fold};
use crate::azure::cloud;
use crate::azure::service::Service;

/// What went wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Turned away.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No way there.
    Unreachable,
    /// The name leads nowhere.
    Unresolved,
    /// Closed from the other side.
    Reset,
    /// A certificate that is not trusted.
    Certificate,
    /// A proxy that is not there or says no.
    Proxy,
}

/// Whom a connection was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The metadata service.
    Metadata,
    /// The retired VM extension.
    Retired,
    /// Something else on the machine itself, at that port.
    Local(u16),
    /// Azure Resource Manager or Microsoft Graph.
    Manager,
    /// Microsoft Entra ID.
    Login,
    /// A data service.
    Data,
}

/// A fault and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What went wrong.
    pub fault: Fault,
    /// With whom, where that is told and known here.
    pub place: Option<Place>,
    /// Where the text says so.
    pub at: Range<usize>,
}

/// The words for each fault. Sentences in other languages are .NET's and Windows' own; long ones are cut to what tells them apart.
const WORDS: &[(Fault, &[&str])] = &[
    (
        Fault::Refused,
        &[
            "ECONNREFUSED",
            "Connection refused",
            "actively refused",
            "[Errno 111]",
            "[Errno 61]",
            "WinError 10061",
            "(10061)",
            "Connect call failed",
            "Couldn't connect to server",
            "Could not connect to server",
            "actief heeft geweigerd",
            "actief geweigerd",
            "Zielcomputer die Verbindung verweigerte",
            "Verbindung verweigert",
            "l’a expressément refusée",
            "Connexion refusée",
            "Connexion refusé",
            "denegó expresamente dicha conexión",
            "Conexión rehusada",
            "Conexión rechazada",
            "recusou-as ativamente",
            "recusou ativamente",
            "recusou activamente",
            "Conexão recusada",
            "rifiuto persistente del computer di destinazione",
            "Connessione rifiutata",
            "対象のコンピューターによって拒否された",
            "接続を拒否されました",
            "目标计算机积极拒绝",
            "拒绝连接",
            "连接被拒绝",
        ],
    ),
    (
        Fault::TimedOut,
        &[
            "ETIMEDOUT",
            "UND_ERR_CONNECT_TIMEOUT",
            "timed out",
            "i/o timeout",
            "deadline has elapsed",
            "[Errno 110]",
            "[Errno 60]",
            "WinError 10060",
            "(10060)",
            "connect timeout",
            "Connect Timeout Error",
            "did not properly respond after a period of time",
            "context deadline exceeded",
            "Client.Timeout exceeded",
            "operation has timed out",
            "HttpClient.Timeout of",
            "Zeitlimit überschritten",
            "Timeout für Vorgang",
            "niet op juiste wijze heeft geantwoord",
            "niet juist heeft gereageerd na een bepaalde tijd",
            "time-out van de bewerking",
            "nach einer bestimmten Zeitspanne nicht richtig reagiert",
            "nicht ordnungsgemäß reagiert",
            "n’a pas répondu convenablement au-delà d’une certaine durée",
            "Délai d’attente",
            "délai d’attente de l’opération",
            "no respondió adecuadamente tras un periodo de tiempo",
            "Se excedió el tiempo de espera",
            "tiempo de espera de la operación",
            "não respondeu corretamente após um período de tempo",
            "não respondeu correctamente após um período de tempo",
            "tempo limite da operação",
            "tempo limite da conexão",
            "parte connessa non ha risposto correttamente dopo un certo periodo di tempo",
            "Mancata risposta della parte connessa",
            "Timeout dell’operazione",
            "一定の時間を過ぎても正しく応答しなかった",
            "タイムアウト",
            "连接方在一段时间后没有正确答复",
            "操作超时",
            "连接超时",
        ],
    ),
    (
        Fault::Unreachable,
        &[
            "ENETUNREACH",
            "EHOSTUNREACH",
            "EHOSTDOWN",
            "Network is unreachable",
            "No route to host",
            "[Errno 101]",
            "[Errno 113]",
            "[Errno 51]",
            "[Errno 65]",
            "WinError 10051",
            "WinError 10065",
            "(10051)",
            "(10065)",
            "unreachable network",
            "unreachable host",
            "onbereikbaar netwerk",
            "onbereikbare host",
            "nicht erreichbaren Netzwerk",
            "nicht erreichbaren Host",
            "Das Netzwerk ist nicht erreichbar",
            "réseau impossible à atteindre",
            "hôte impossible à atteindre",
            "Le réseau n’est pas accessible",
            "red no accesible",
            "host no accesible",
            "La red es inaccesible",
            "rede inacessível",
            "rede inalcançável",
            "host inacessível",
            "rete non raggiungibile",
            "host non raggiungibile",
            "到達できないネットワーク",
            "到達できないホスト",
            "无法连接的网络",
            "无法连接的主机",
            "网络不可达",
        ],
    ),
    (
        Fault::Unresolved,
        &[
            "Could not resolve host",
            "unable to resolve host address",
            "Failed to resolve",
            "Name or service not known",
            "Temporary failure in name resolution",
            "ENOTFOUND",
            "EAI_AGAIN",
            "no such host",
            "tcp: lookup",
            "getaddrinfo failed",
            "nodename nor servname",
            "server misbehaving",
            "dns error",
            "UnknownHostException",
            "failed to lookup address",
            "remote name could not be resolved",
            "externe naam kan niet worden omgezet",
            "Host is onbekend",
            "Remotename konnte nicht aufgelöst werden",
            "Der angegebene Host ist unbekannt",
            "Es ist kein solcher Host bekannt",
            "nom distant n’a pas pu être résolu",
            "Hôte inconnu",
            "No se puede resolver el nombre remoto",
            "Host desconocido",
            "No existe ningún host conocido",
            "nome remoto não pôde ser resolvido",
            "não foi possível resolver o nome remoto",
            "Este host não é conhecido",
            "Impossibile risolvere il nome remoto",
            "Host sconosciuto",
            "リモート名を解決できませんでした",
            "そのようなホストは不明です",
            "未能解析此远程名称",
            "无法解析此远程名称",
            "不知道这样的主机",
        ],
    ),
    (
        Fault::Reset,
        &[
            "ECONNRESET",
            "Connection reset",
            "Connection aborted",
            "Remote end closed connection",
            "Server disconnected",
            "socket hang up",
            "Empty reply from server",
            "forcibly closed by the remote host",
        ],
    ),
    (
        Fault::Certificate,
        &[
            "CERTIFICATE_VERIFY_FAILED",
            "certificate verify failed",
            "CertificateError",
            "ERROR: hostname '",
            "SSL certificate problem",
            "self signed certificate",
            "self-signed certificate",
            "unable to get local issuer certificate",
            "UNABLE_TO_GET_ISSUER_CERT",
            "unable to verify the first certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "x509: ",
            "x509 certificate signed by",
            "PKIX path building failed",
            "remote certificate is invalid",
            "trust relationship for the SSL/TLS",
            "certificate has expired",
            "certificate is not yet valid",
            "CERT_HAS_EXPIRED",
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "Hostname/IP does not match certificate",
            "invalid peer certificate",
            "SSL: no alternative certificate subject name",
            "keine Vertrauensstellung für den sicheren SSL/TLS-Kanal",
            "Kan geen vertrouwensrelatie voor het beveiligde SSL/TLS-kanaal",
            "relation de confiance pour le canal sécurisé SSL/TLS",
            "relación de confianza para el canal seguro SSL/TLS",
            "relação de confiança para o canal seguro SSL/TLS",
            "relação de confiança para o canal seguro de SSL/TLS",
            "relazione di trust per il canale sicuro SSL/TLS",
            "チャネルに対する信頼関係を確立できませんでした",
            "安全通道建立信任关系",
        ],
    ),
    (
        Fault::Proxy,
        &[
            "ProxyError",
            "Unable to connect to proxy",
            "Cannot connect to proxy",
            "Tunnel connection failed",
            "tunneling socket could not be established",
            "proxyconnect tcp",
            "Could not resolve proxy",
            "CONNECT tunnel failed",
            "HTTP code 407 from proxy",
            "from proxy after CONNECT",
            "Proxy CONNECT aborted",
            "Proxy tunneling failed",
            "ClientProxyConnectionError",
            "ClientHttpProxyError",
            "unsuccessful tunnel",
            "tunnel error",
            "\": Forbidden",
            "\": Proxy Authentication Required",
            "\": Bad Gateway",
            "\": Service Unavailable",
        ],
    ),
];

static FOLDED: LazyLock<HashMap<String, Fault>> =
    LazyLock::new(|| WORDS.iter().flat_map(|(fault, words)| words.iter().map(|word| (fold(word), *fault))).collect());

static ANY_FAULT: LazyLock<Regex> = LazyLock::new(|| {
    let mut words: Vec<&String> = FOLDED.keys().collect();
    // The longest first: one of them can begin another.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    pattern(&words.iter().map(|word| whole_word(word)).collect::<Vec<_>>().join("|"))
});

/// `enotfound` is not the end of `FileNotFoundError`; letters of other scripts stand together without a gap.
fn whole_word(word: &str) -> String {
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let (before, after) = (edge(word.chars().next()), edge(word.chars().last()));
    format!("{}{}{}", if before { r"\b" } else { "" }, regex::escape(word), if after { r"\b" } else { "" })
}

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(\[::1\]|localhost|\d{1,3}(?:\.\d{1,3}){3}|(?:[a-z0-9*_-]+>?\.)+[a-z]{2,})(?:(?::|['"]?,? port[ =:]+)(\d{1,5})\b)?"#,
    )
});

/// What stands before a host that is not connected to, but asked a token for.
static NOT_A_DESTINATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b(?:resource|audiences?|scopes?|named|issuer|expected|found|iss)[^a-z0-9]{0,6}(?:https?://)?$|%$|%2f$|'https?://$|@$"#,
    )
});

static NAMED_HOST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?:://|host=['"]|enotfound |eai_again |resolve ')([a-z0-9._-]+)"#));

/// Compiles a pattern of this file; it is tested, so it compiles.
pub fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are compiled by the tests")
}

/// Every host in the text that this crate knows, and where.
pub fn places(text: &Text) -> Vec<(Place, Range<usize>)> {
    let mut found = Vec::new();
    for parts in HOST.captures_iter(&text.flat) {
        let Some(host) = parts.get(1) else { continue };
        let port = parts.get(2).and_then(|port| port.as_str().parse().ok());
        let before = &text.flat[boundary(&text.flat, host.start().saturating_sub(40))..host.start()];
        if NOT_A_DESTINATION.is_match(before) {
            continue;
        }
        if let Some(place) = place(host.as_str(), port) {
            found.push((place, host.range()));
        }
    }
    // The path names the service where the address is left out or is a stand-in's.
    for (at, path) in text.flat.match_indices("/metadata/identity/oauth2/token") {
        if !found.iter().any(|(place, _)| matches!(place, Place::Metadata | Place::Local(_))) {
            found.push((Place::Metadata, at..at + path.len()));
        }
    }
    found.sort_by_key(|(_, at)| at.start);
    found
}

fn place(host: &str, port: Option<u16>) -> Option<Place> {
    if host == "169.254.169.254" {
        return Some(Place::Metadata);
    }
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return match port? {
            50342 => Some(Place::Retired),
            // A name server, or a name that is led astray.
            53 | 443 => None,
            port => Some(Place::Local(port)),
        };
    }
    let ends = |suffix: &str| host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_manager = |cloud: &cloud::Cloud| {
        ends(&cloud.arm_host) || cloud.arm_audiences.iter().any(|url| ends(url.trim_start_matches("https://")))
    };
    if cloud::CLOUDS.iter().any(is_manager) || ends("graph.microsoft.com") || ends("graph.windows.net") {
        return Some(Place::Manager);
    }
    let is_login = |cloud: &cloud::Cloud| cloud.login_hosts.iter().any(|known| ends(known));
    if cloud::CLOUDS.iter().any(is_login) || ends("login.windows.net") || ends("login.microsoft.com") {
        return Some(Place::Login);
    }
    let data = Service::of(host).is_some() || ends("database.windows.net") || ends("file.core.windows.net");
    data.then_some(Place::Data)
}

/// Does the text name a host to connect to that has nothing to do with Azure?
pub fn names_a_stranger(text: &Text) -> bool {
    const READING: [&str; 10] = [
        "aka.ms",
        "go.microsoft.com",
        "learn.microsoft.com",
        "docs.microsoft.com",
        "developer.mozilla.org",
        "curl.se",
        "curl.haxx.se",
        "github.com",
        "www.w3.org",
        "docs.python.org",
    ];
    NAMED_HOST.captures_iter(&text.flat).filter_map(|parts| parts.get(1)).any(|host| {
        let host = host.as_str();
        place(host, Some(50342)).is_none()
            && !READING.contains(&host)
            && !["azure.", "windows.net", "microsoft", "chinacloudapi", "usgovcloudapi", "proxy", "oauth", "gateway"]
                .iter()
                .any(|part| host.contains(part))
            && host.contains('.')
    })
}

/// Every fault in the text with whom it is about, each once.
pub fn broken(text: &Text) -> Vec<Broken> {
    let places = places(text);
    let mut found: Vec<Broken> = Vec::new();
    for word in ANY_FAULT.find_iter(&text.flat) {
        let fault = FOLDED[word.as_str()];
        let line = text.index(word.start());
        let nearest = |same_line: bool| {
            let near = |at: &Range<usize>| !same_line || text.index(at.start) == line;
            let before = places.iter().rev().find(|(_, at)| at.start < word.start() && near(at));
            before.or_else(|| places.iter().find(|(_, at)| at.start >= word.end() && near(at)))
        };
        let place = nearest(true).or_else(|| nearest(false)).map(|(place, _)| *place);
        if !found.iter().any(|known| known.fault == fault && known.place == place) {
            found.push(Broken { fault, place, at: word.range() });
        }
    }
    // What failed first says more than what followed from it: a name server out of reach is a matter of names.
    found.sort_by_key(|one| !matches!(one.fault, Fault::Unresolved | Fault::Certificate));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::cause::Passage;

    #[test]
    fn a_fault_is_about_the_host_named_before_it_and_not_about_the_resource() {
        for (line, fault, place) in [
            (
                "Get \"http://169.254.169.254/metadata/identity/oauth2/token?resource=https%3A%2F%2Fgraph.microsoft.com%2F\": context deadline exceeded",
                Fault::TimedOut,
                Some(Place::Metadata),
            ),
            (
                "request to https://management.azure.com/x: Post https://login.microsoftonline.com/t: dial tcp: i/o timeout",
                Fault::TimedOut,
                Some(Place::Login),
            ),
            ("connect ECONNREFUSED 127.0.0.1:50342", Fault::Refused, Some(Place::Retired)),
            (
                "HTTPConnectionPool(host='localhost', port=41234): [WinError 10061]",
                Fault::Refused,
                Some(Place::Local(41234)),
            ),
            ("getaddrinfo ENOTFOUND kv-x.vault.azure.net", Fault::Unresolved, Some(Place::Data)),
            ("dial tcp 10.1.1.1:443: connect: no route to host", Fault::Unreachable, None),
        ] {
            let passage = Passage { first: 1, lines: vec![line.to_owned()] };
            let found = broken(&Text::read(&passage));
            assert!(found.iter().any(|one| (one.fault, one.place) == (fault, place)), "{line}: {found:?}");
        }
    }
}
