//! The alarms of a stack. CloudWatch is asked once and for one thing, so the call is written out here.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::wiring::now;

const FORM: &str = "application/x-www-form-urlencoded";

/// The number of a stack's alarms, and the names of those that ring, without the name of the stack.
pub async fn of(config: &SdkConfig, stack: &str) -> Result<(usize, Vec<String>), String> {
    let prefix = format!("{stack}-");
    let (mut all, mut ringing, mut next) = (0_usize, Vec::new(), None);
    loop {
        let page = parse(&ask(config, &prefix, next.as_deref()).await?)?;
        all = all.saturating_add(page.alarms.len());
        for (name, state) in page.alarms {
            if state == "ALARM" {
                ringing.push(name.strip_prefix(&prefix).unwrap_or(&name).to_owned());
            }
        }
        next = page.next;
        if next.is_none() {
            ringing.sort();
            return Ok((all, ringing));
        }
    }
}

/// `DescribeAlarms`, signed; the answer's XML.
async fn ask(config: &SdkConfig, prefix: &str, next: Option<&str>) -> Result<String, String> {
    let text = |error: &dyn std::error::Error| format!("CloudWatch: {error}");
    let region = config.region().ok_or("no region")?.to_string();
    let address = config.endpoint_url().map_or_else(
        || format!("https://monitoring.{region}.amazonaws.com/"),
        |endpoint| format!("{}/", endpoint.trim_end_matches('/')),
    );
    let mut body = format!("Action=DescribeAlarms&Version=2010-08-01&AlarmNamePrefix={prefix}");
    if let Some(next) = next {
        body.push_str("&NextToken=");
        body.push_str(&escaped(next));
    }
    let provider = config.credentials_provider().ok_or("no AWS credentials")?;
    let identity = provider.provide_credentials().await.map_err(|error| text(&error))?.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("monitoring")
        .time(SystemTime::from(now()))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| text(&error))?
        .into();
    let headers = [("content-type", FORM)].into_iter();
    let signable = SignableBody::Bytes(body.as_bytes());
    let signable = SignableRequest::new("POST", &address, headers, signable);
    let signed = sign(signable.map_err(|error| text(&error))?, &parameters);
    let (instructions, _) = signed.map_err(|error| text(&error))?.into_parts();
    let request = Request::post(&address).header(header::CONTENT_TYPE, FORM);
    let request = request.body(Full::new(Bytes::from(body)));
    let mut request = request.map_err(|error| text(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    let connector =
        HttpsConnectorBuilder::new().with_native_roots().map_err(|error| text(&error))?;
    let connector = connector.https_or_http().enable_http1().build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.request(request).await.map_err(|error| text(&error))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| text(&error))?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() { Ok(body) } else { Err(format!("CloudWatch answers {status}: {body}")) }
}

/// Everything but letters and digits as `%XX`.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    /// Names and states.
    alarms: Vec<(String, String)>,
    next: Option<String>,
}

/// Reads names and states in the order in which they stand in an alarm.
fn parse(xml: &str) -> Result<Page, String> {
    let mut reader = Reader::from_str(xml);
    let mut page = Page::default();
    let (mut element, mut name, mut state) = (String::new(), None, None);
    loop {
        let event = reader.read_event().map_err(|error| format!("CloudWatch: {error}"))?;
        match event {
            Event::Start(start) => {
                element = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
            }
            Event::Text(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                match element.as_str() {
                    "AlarmName" => name = Some(text),
                    "StateValue" => state = Some(text),
                    "NextToken" => page.next = Some(text),
                    _ => {}
                }
            }
            // Each alarm is one `member`; members of its own lists hold neither name nor state.
            Event::End(end) => {
                element.clear();
                if end.local_name().as_ref() == b"member" && name.is_some() && state.is_some() {
                    page.alarms.extend(name.take().zip(state.take()));
                }
            }
            Event::Eof => return Ok(page),
            Event::Empty(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_states_and_the_next_page_are_read() {
        let alarm = |name: &str, state: &str| {
            format!(
                "<member><AlarmActions><member>arn:x</member></AlarmActions>\
                 <AlarmName>{name}</AlarmName><StateValue>{state}</StateValue>\
                 <Dimensions><member><Name>QueueName</Name><Value>q</Value></member></Dimensions></member>"
            )
        };
        let xml = format!(
            "<DescribeAlarmsResponse xmlns=\"x\"><DescribeAlarmsResult><MetricAlarms>{}{}\
             </MetricAlarms><NextToken>a+/b=</NextToken></DescribeAlarmsResult></DescribeAlarmsResponse>",
            alarm("hub-inbound-dlq", "ALARM"),
            alarm("hub-api-errors", "OK"),
        );
        let page = parse(&xml).unwrap();
        let owned = |name: &str, state: &str| (name.to_owned(), state.to_owned());
        assert_eq!(page.alarms, [owned("hub-inbound-dlq", "ALARM"), owned("hub-api-errors", "OK")]);
        assert_eq!(page.next.as_deref(), Some("a+/b="));
        assert_eq!(escaped("a+/b="), "a%2B%2Fb%3D");
        assert!(parse("<a><b></a>").is_err());
    }
}
