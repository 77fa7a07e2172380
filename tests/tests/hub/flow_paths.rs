//! Tricks with paths never reach another route (I8): sent as raw bytes, so that no client mends them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::flow_kit::{ALLOCATIONS, Hub, reservation, text};

/// Sends a path as it is and gives status and body.
async fn raw(port: u16, path: &str, token: Option<&str>) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let authorization =
        token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{authorization}Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn path_tricks_reach_no_other_route() {
    let hub = Hub::start().await;
    let pool = hub.pool().await;
    let made = hub.api.post(ALLOCATIONS, &reservation("R1", 10)).await.unwrap();
    let allocation = text(&made.json(), "allocation_id");
    let full = hub.cloud.hub.credential.clone().unwrap().token;
    let reader = hub.credential("line-1", &["allocations:read"], &[]).await.token;
    let base = hub.base_path();

    // From the open page to what needs a credential.
    for trick in [
        "/health/..%2Fapi/v1/l3/pools",
        "/health/%2e%2e/api/v1/l3/pools",
        "/health%2F..%2Fapi%2Fv1%2Fl3%2Fpools",
        "/health/../api/v1/l3/pools",
        "/health%00/../api/v1/l3/pools",
        "/health;/../api/v1/l3/pools",
        "/%68ealth/..%5Capi/v1/l3/pools",
    ] {
        let (status, answer) = raw(hub.port(), &format!("{base}{trick}"), None).await;
        assert!(!answer.contains(&pool), "{trick} without a credential shows a pool: {answer}");
        assert!((400..500).contains(&status), "{trick}: {status} {answer}");
    }
    // From what the credential opens to what it does not.
    for trick in [
        format!("{ALLOCATIONS}/..%2Fpools"),
        format!("{ALLOCATIONS}/%2e%2e/pools"),
        format!("{ALLOCATIONS}/%2e%2e%2fpools"),
        format!("{ALLOCATIONS}/../pools"),
        format!("{ALLOCATIONS}/{allocation}/..%2F..%2Fpools%2F{pool}"),
        format!("{ALLOCATIONS}/{allocation}/%2e%2e/%2e%2e/pools/{pool}"),
        format!("{ALLOCATIONS}/{allocation}%2F..%2F..%2Fpools%2F{pool}"),
        format!("{ALLOCATIONS}/.%2e/pools/{pool}"),
    ] {
        let (status, answer) = raw(hub.port(), &format!("{base}{trick}"), Some(&reader)).await;
        assert!(!answer.contains("\"cursor\""), "{trick} shows a pool: {answer}");
        assert!((400..500).contains(&status), "{trick}: {status} {answer}");
    }
    // The local cloud's gateway decodes `%2F` before it routes and hides that from the function: then the
    // decoded route is judged by its own scope.
    let pools_only = hub.credential("line-1", &["pools:read"], &[]).await.token;
    let trick = format!("{base}{ALLOCATIONS}/{allocation}%2Fexport");
    let (status, answer) = raw(hub.port(), &trick, Some(&pools_only)).await;
    assert!([400, 403, 404].contains(&status), "{trick}: {status} {answer}");
    // With every right: what is no plain path is nothing at all.
    for trick in [
        format!("{ALLOCATIONS}/{allocation}%00"),
        format!("{ALLOCATIONS}/%00"),
        format!("{ALLOCATIONS}/{allocation}%252Fexport"),
        format!("{ALLOCATIONS}/{allocation}/%2e"),
        format!("{ALLOCATIONS}//{allocation}"),
        format!("{ALLOCATIONS}/{allocation}%0d%0aX:%20y"),
        format!("{ALLOCATIONS}/{allocation}%23"),
        "/api/v1/l3/documents/..%2F..%2F..%2F..%2Fhealth".to_owned(),
        "/api/v1/l3/nothing".to_owned(),
    ] {
        let (status, answer) = raw(hub.port(), &format!("{base}{trick}"), Some(&full)).await;
        assert!([400, 404].contains(&status), "{trick}: {status} {answer}");
        assert!(!answer.contains("\"ok\"") && !answer.contains("\"granted\""), "{trick}: {answer}");
    }
    hub.stop().await;
}
