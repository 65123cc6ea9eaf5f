//! What is about more than one question: machines where nothing answers, deadlines, TLS and proxies that do what they should not,
//! links that lead away, and floods from everywhere at once.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::certificates::{Authority, ELSEWHERE, Shown};
use super::endings::Ending::{self, Open, Unhealthy};
use super::line::End;
use super::namespace::{Case, place};
use super::question::Question;
use super::server::{Asked, Door, NAMES, Places, Proper, Script, Server, listen_elsewhere};
use super::trial::{RUN, Trial, run, run_with};

pub fn cases() -> Vec<Case> {
    [dead(), tls(), proxies(), away(), floods()].into_iter().flatten().collect()
}

/// A question to a data service as well as to all others.
const ALL: &[&str] = &["--probe", "https://kv-doctor.vault.azure.net"];
/// The VM that these are about.
const VM: Question = Question::DataWithToken;

fn start(
    script: impl Fn(&Asked, &Proper, &mut super::line::Line) -> Option<io::Result<End>> + Send + Sync + 'static,
) -> Server {
    place::names_lead(&NAMES);
    Server::start(VM.scenario(), Box::new(script) as Box<Script>)
}

fn to_metadata(asked: &Asked) -> bool {
    asked.url.starts_with("http://169.254.169.254/")
}

/// All that is asked comes to nothing.
fn dead() -> Vec<Case> {
    fn silent(metadata: bool) -> Server {
        start(move |asked, _, _| (metadata || !to_metadata(asked)).then_some(Ok(End::Hold)))
    }
    fn dripping(metadata: bool) -> Server {
        start(move |asked, proper, line| {
            (metadata || !to_metadata(asked)).then(|| line.drip(&proper.with_body(&proper.body)))
        })
    }
    /// Asks for pauses that are longer than any run.
    fn busy(metadata: bool) -> Server {
        start(move |asked, proper, line| {
            let head = proper.head("Content-Length: 0\r\nRetry-After: 86400\r\n");
            let head = String::from_utf8(head).unwrap().replacen(&proper.status.to_string(), "429", 1);
            (metadata || !to_metadata(asked)).then(|| line.write_all(head.as_bytes()).map(|()| End::Close))
        })
    }
    type Start = fn(bool) -> Server;
    let all: [(&str, Start); 2] = [("is silent", silent), ("drips", dripping)];
    let mut cases = Vec::new();
    for (how, start) in all {
        let ends = move |name: &str, metadata: bool, flags: &'static [&'static str], deadline: u64, ending: Ending| {
            Case::new(format!("dead run: {name} {how}"), move || {
                let server = start(metadata);
                let arguments = [ALL, flags].concat();
                run(&server.authority, &arguments, Duration::from_secs(deadline)).assert_ends(ending);
            })
        };
        const CUT: &str = "clock metadata identity principal token token validity validity arm reader roles data";
        const NO_MANAGER: &str = "principal arm reader roles data";
        cases.push(ends("everything", true, &[], 30, Unhealthy("imds-timeout")));
        cases.push(ends("everything but the metadata service", false, &[], 30, Unhealthy("arm-unreachable")));
        cases.push(ends("everything, at a deadline of 5 s,", true, &["--deadline", "5s"], 5, Open(CUT)));
        cases.push(ends(
            "everything but the metadata service, at a deadline of 5 s,",
            false,
            &["--deadline", "5s"],
            5,
            Open(NO_MANAGER),
        ));
        cases.push(ends(
            "everything, with 1 s for a question,",
            true,
            &["--timeout", "1s"],
            30,
            Unhealthy("imds-timeout"),
        ));
        cases.push(ends(
            "everything but the metadata service, with 1 s for a question,",
            false,
            &["--timeout", "1s"],
            30,
            Unhealthy("arm-unreachable"),
        ));
    }
    cases.push(Case::new("dead run: everything asks for a pause of a day", || {
        run(&busy(true).authority, ALL, RUN).assert_ends(Unhealthy("imds-throttled"));
    }));
    cases.push(Case::new("dead run: everything but the metadata service asks for a pause of a day", || {
        run(&busy(false).authority, ALL, RUN).assert_ends(Unhealthy("service-transient"));
    }));
    cases.push(Case::new("dead run: all packets vanish", || {
        let server = start(|_, _, _| None);
        place::take_metadata_away();
        place::drop_packets_to("169.254.169.254");
        run(&server.authority, ALL, RUN).assert_ends(Unhealthy("imds-timeout"));
    }));
    cases
}

/// What a server does before TLS stands.
type Before = fn(&mut TcpStream) -> io::Result<()>;

/// The beginning of a ServerHello, of which there is more to come.
const HELLO: &[u8] = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";

fn hold(client: &mut TcpStream) -> io::Result<()> {
    while client.read(&mut [0; 1024])? > 0 {}
    Ok(())
}

fn drip(client: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes.iter().cycle().take(100) {
        client.write_all(&[*byte])?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

fn flood(client: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let many = bytes.repeat(1000);
    loop {
        client.write_all(&many)?;
    }
}

const BEFORE: &[(&str, Before)] = &[
    ("that never begins", hold),
    ("that stops in the middle", |client| {
        client.write_all(HELLO)?;
        hold(client)
    }),
    ("of one byte a second", |client| drip(client, HELLO)),
    ("that is closed at once", |_| Ok(())),
    ("that is closed in the middle", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(HELLO)
    }),
    ("that is reset in the middle", |client| {
        client.write_all(HELLO)?;
        // What was sent and not read makes the kernel reset the connection.
        client.peek(&mut [0; 1]).map(drop)
    }),
    ("that is plain HTTP", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    }),
    ("that ends with an alert", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"\x15\x03\x03\x00\x02\x02\x28")
    }),
    ("with alerts without end", |client| flood(client, b"\x15\x03\x03\x00\x02\x01\x5a")),
    ("with empty records without end", |client| flood(client, b"\x16\x03\x03\x00\x00")),
    ("with a message without end", |client| {
        client.write_all(b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff")?;
        client.write_all(&[0; 0x4000 - 4])?;
        flood(client, &[b"\x16\x03\x03\x40\x00".as_slice(), &[0; 0x4000]].concat())
    }),
];

/// Whose TLS has a fault.
#[derive(Clone, Copy)]
enum Whose {
    Manager,
    /// The first connection, without a token, is as it should be.
    ManagerLater,
    Data,
}

impl Whose {
    const ALL: [Self; 3] = [Self::Manager, Self::ManagerLater, Self::Data];

    fn name(self) -> &'static str {
        match self {
            Self::Manager => "of the manager",
            Self::ManagerLater => "of the manager, from its second connection on,",
            Self::Data => "of the data service",
        }
    }

    fn first(self) -> usize {
        usize::from(matches!(self, Self::ManagerLater))
    }

    fn place(self, places: &mut Places) -> &mut super::server::Place {
        match self {
            Self::Manager | Self::ManagerLater => &mut places.manager,
            Self::Data => &mut places.data,
        }
    }

    /// What is found where no connection with TLS comes about: nobody there has proved who it is.
    fn out_of_reach(self) -> Ending {
        match self {
            Self::Manager | Self::ManagerLater => Unhealthy("arm-unreachable"),
            Self::Data => Unhealthy("network-blocked"),
        }
    }
}

fn tls() -> Vec<Case> {
    let mut cases = Vec::new();
    for whose in Whose::ALL {
        for (what, before) in BEFORE {
            cases.push(Case::new(format!("TLS {} {what}", whose.name()), move || {
                let door =
                    move |number: usize, client: &mut TcpStream| (number >= whose.first()).then(|| before(client));
                let trial = behind(whose, Arc::new(door));
                trial.assert_ends(whose.out_of_reach());
            }));
        }
        for (what, shown) in [
            ("with a certificate that has expired", Shown::Expired),
            ("with a certificate for another host", Shown::OtherName),
            ("with a certificate that signed itself", Shown::SelfSigned),
        ] {
            if whose.first() > 0 {
                continue;
            }
            cases.push(Case::new(format!("TLS {} {what}", whose.name()), move || certificate(whose, shown)));
        }
    }
    cases
}

fn behind(whose: Whose, door: Arc<Door>) -> Trial {
    place::names_lead(&NAMES);
    let server = Server::start_with(VM.scenario(), Box::new(|_, _, _| None), &Authority::new(), |places| {
        whose.place(places).door = Some(door);
    });
    run(&server.authority, ALL, RUN)
}

/// No request comes over a connection that was refused, and so no token.
fn certificate(whose: Whose, shown: Shown) {
    place::names_lead(&NAMES);
    let authority = Authority::new();
    let server = Server::start_with(VM.scenario(), Box::new(|_, _, _| None), &authority, |places| {
        whose.place(places).tls = Some(authority.config(shown));
    });
    run(&server.authority, ALL, RUN).assert_ends(Unhealthy("tls-intercepted"));
    let host = if matches!(whose, Whose::Data) { "https://kv-doctor" } else { "https://management" };
    let asked = server.asked.lock().unwrap();
    assert!(!asked.iter().any(|asked| asked.url.starts_with(host)), "{asked:?}");
}

const PROXIES: &[(&str, Before)] = &[
    ("is silent", hold),
    ("answers at one byte a second", |client| drip(client, b"HTTP/1.1 200 Connection established\r\nX-More: ")),
    ("lets in and says nothing more", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        hold(client)
    }),
    ("lets in and sends one byte a second", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        drip(client, HELLO)
    }),
    ("lets in and closes", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
    }),
    ("closes at once", |_| Ok(())),
    ("closes in its headers", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"HTTP/1.1 200 Connec")
    }),
    ("resets in its headers", |client| {
        client.write_all(b"HTTP/1.1 200 Connec")?;
        client.peek(&mut [0; 1]).map(drop)
    }),
    ("sends headers without end", |client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n")?;
        flood(client, b"X-More: and more\r\n")
    }),
    ("sends a header without end", |client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ")?;
        flood(client, b"x")
    }),
    ("sends interim answers without end", |client| flood(client, b"HTTP/1.1 100 Continue\r\n\r\n")),
    ("sends empty lines without end", |client| flood(client, b"\r\n")),
    ("does not speak HTTP", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client.write_all(b"\x05\xff\r\n\r\n")
    }),
    ("answers with a page", |client| {
        let _ = client.read(&mut [0; 4096])?;
        client
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<html>Sign in</html>")
    }),
    ("redirects", |client| {
        let _ = client.read(&mut [0; 4096])?;
        let to = format!("HTTP/1.1 302 Found\r\nLocation: https://{ELSEWHERE}/\r\nContent-Length: 0\r\n\r\n");
        client.write_all(to.as_bytes())
    }),
];

fn proxies() -> Vec<Case> {
    let one = |(what, before): &'static (&str, Before)| {
        Case::new(format!("a proxy that {what}"), move || {
            let server = start(|_, _, _| None);
            let elsewhere = listen_elsewhere();
            let listener = TcpListener::bind("127.0.0.1:3128").unwrap();
            std::thread::spawn(move || {
                for mut client in listener.incoming().map_while(Result::ok) {
                    // A client that goes away ends its own thread and nothing else.
                    std::thread::spawn(move || before(&mut client));
                }
            });
            let proxy = [("HTTPS_PROXY", "http://127.0.0.1:3128")];
            run_with(&server.authority, &[], &proxy, RUN).assert_ends(Unhealthy("arm-unreachable"));
            assert!(server.asked.lock().unwrap().iter().all(to_metadata));
            assert_eq!(elsewhere.load(Ordering::SeqCst), 0, "a redirect was followed");
        })
    };
    PROXIES.iter().map(one).collect()
}

/// Links and redirects that lead away from whom the token is for.
fn away() -> Vec<Case> {
    let page = |name: &str, link: &'static str| {
        Case::new(format!("the link to a list's next page leads to {name}"), move || {
            let elsewhere = listen_elsewhere();
            let server = start(move |asked, proper, line| {
                let lists = [Question::Permissions, Question::Assignments, Question::Deny];
                lists.iter().any(|list| list.is(asked)).then(|| {
                    let mut page: serde_json::Value = serde_json::from_slice(&proper.body).unwrap();
                    page["nextLink"] = link.into();
                    line.write_all(&proper.with_body(page.to_string().as_bytes())).map(|()| End::Close)
                })
            });
            run(&server.authority, ALL, RUN).assert_ends(Open("roles"));
            assert_eq!(elsewhere.load(Ordering::SeqCst), 0, "the link was followed");
        })
    };
    vec![
        page("another host", "https://elsewhere.contoso.com/subscriptions?page=2"),
        page("another port", "https://management.azure.com:8080/subscriptions?page=2"),
        page("the same host without TLS", "http://management.azure.com/subscriptions?page=2"),
        page("a host that begins the same", "https://management.azure.com.elsewhere.contoso.com/page"),
        page("the same host with a user in front", "https://management.azure.com@elsewhere.contoso.com/page"),
        page("a file", "file:///etc/passwd"),
        Case::new("all that is asked with a token is redirected", || {
            let elsewhere = listen_elsewhere();
            let server = start(|asked, _, line| {
                asked.has_token().then(|| {
                    let to = format!("https://{ELSEWHERE}/take");
                    let head =
                        format!("HTTP/1.1 308 Permanent Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
                    line.write_all(head.as_bytes()).map(|()| End::Close)
                })
            });
            run(&server.authority, ALL, RUN).assert_ends(Unhealthy("arm-unreachable"));
            assert_eq!(elsewhere.load(Ordering::SeqCst), 0, "a redirect was followed");
        }),
    ]
}

/// Many lists at once.
const MANY: &[&str] = &[
    "--require",
    "Reader",
    "--require",
    "Reader@/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846",
    "--require",
    "Reader@/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor",
    "--resource",
    "arm",
    "--resource",
    "vault",
    "--resource",
    "storage",
    "--resource",
    "sql",
    "--resource",
    "graph",
    "--probe",
    "https://kv-doctor.vault.azure.net",
];

fn floods() -> Vec<Case> {
    let endless = |name: &str, from_metadata: bool, bytes: &'static [u8], ending: Ending| {
        Case::new(format!("flood: {name}"), move || {
            let server = start(move |asked, proper, line| {
                let wanted = if from_metadata { Question::Token.is(asked) } else { !to_metadata(asked) };
                wanted.then(|| {
                    line.write_all(&proper.head(""))?;
                    line.flood(bytes)
                })
            });
            run(&server.authority, MANY, RUN).assert_ends(ending);
        })
    };
    // How many requirements have to do without their lists hangs on which list comes first and takes the room.
    let paged = |name: &str, item: &'static str, megabytes: usize| {
        Case::new(format!("flood: {name}"), move || {
            let server = start(move |asked, proper, line| {
                let lists = [Question::Permissions, Question::Assignments, Question::Deny];
                lists.iter().any(|list| list.is(asked)).then(|| {
                    let number = asked.url.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(0);
                    let base = asked.url.split("&page=").next().unwrap();
                    let items = vec![item; (megabytes << 20) / (item.len() + 1)].join(",");
                    let page = format!("{{\"value\":[{items}],\"nextLink\":\"{base}&page={}\"}}", number + 1);
                    line.write_all(&proper.with_body(page.as_bytes())).map(|()| End::Close)
                })
            });
            let ran = run(&server.authority, MANY, RUN);
            let ending = ran.ending();
            let mut words: Vec<&str> = ending.split(' ').collect();
            words.dedup();
            assert_eq!(words, ["3", "undetermined", "roles"], "{}", ran.short());
        })
    };
    const UNREAD: &str = "principal reader roles roles roles";
    const ASSIGNMENT: &str = "{\"properties\":{\"roleDefinitionId\":\"/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/providers/\
                              Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7\",\"scope\":\"/\",\
                              \"padding\":\"................................................................................................\
                              ................................................................................................\"},\
                              \"actions\":[\"*/read\"]}";
    vec![
        endless("every answer of the manager is zeros without end", false, &[0], Open(UNREAD)),
        endless("every answer of the manager is no letters without end", false, &[0xff], Open(UNREAD)),
        endless("every answer of the manager is JSON without end", false, b"{\"value\":[{}]}", Open(UNREAD)),
        endless(
            "every token is without end",
            true,
            b"{\"access_token\":",
            Open(
                "identity principal token token token token token validity validity validity validity validity reader roles roles roles data",
            ),
        ),
        paged("every list has pages of 1 MB without end", ASSIGNMENT, 1),
        paged("every list has pages of 5 MB without end", ASSIGNMENT, 5),
        paged("every list has pages of 16 MB without end", ASSIGNMENT, 16),
        paged("every list has a million entries of nothing", "{}", 3),
        paged("every list has a million numbers", "0", 2),
        paged("every list has half a million quotes", "\"\\\"\"", 2),
        paged(
            "every list has entries of a thousand letters",
            "{\"actions\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]}",
            1,
        ),
    ]
}
