use domain::space::Alphabet;
use testkit::KeyService;

use super::*;
use crate::client::{AwsSettings, https};

fn gtin(text: &str) -> Gtin14 {
    Gtin14::parse_padded(text).unwrap()
}

fn form(prefix: &str, alphabet: &str, length: u8) -> SpaceForm {
    SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length).unwrap()
}

fn kms_of(service: &KeyService, key_arn: &str) -> Kms {
    let endpoint = Some(service.endpoint().to_owned());
    let settings = AwsSettings::new("us-east-1", endpoint, ("test", "test"), None);
    Kms::new(&settings, &https(), key_arn)
}

struct Bench {
    service: KeyService,
    kms: Kms,
    gtin: Gtin14,
    form: SpaceForm,
}

impl Bench {
    async fn start() -> Self {
        let service = KeyService::start().await;
        let kms = kms_of(&service, service.key_arn());
        Self { service, kms, gtin: gtin("00313000007772"), form: form("A", "0123456789", 10) }
    }

    fn place(&self) -> Place<'_> {
        Place {
            table: "hub-1",
            gtin: &self.gtin,
            space: SpaceId::of(&self.gtin, &self.form),
            form: &self.form,
        }
    }

    /// The opened key's bytes.
    async fn opened(&self, sealed: &SealedKey, place: &Place<'_>) -> Option<[u8; 32]> {
        open(&self.kms, sealed, place).await.unwrap().map(|key| *key.as_bytes())
    }
}

#[tokio::test]
async fn a_sealed_key_opens_in_its_own_place() {
    let bench = Bench::start().await;
    let (one, other) = (new_key().unwrap(), new_key().unwrap());
    assert_ne!(one.as_bytes(), other.as_bytes());
    let sealed = seal(&bench.kms, &one, &bench.place()).await.unwrap();
    let again = seal(&bench.kms, &one, &bench.place()).await.unwrap();
    assert!(sealed.blob != again.blob && sealed.nonce != again.nonce);
    assert!(!sealed.sealed.windows(8).any(|part| part == &one.as_bytes()[..8]));
    for sealed in [&sealed, &again] {
        assert_eq!(bench.opened(sealed, &bench.place()).await, Some(*one.as_bytes()));
    }
    let (make, open) = ("GenerateDataKey", "Decrypt");
    assert_eq!(bench.service.calls(), [make, make, open, open]);
}

/// The service decrypts a blob that was tampered with to another key: it is our own seal that refuses.
#[tokio::test]
async fn a_flipped_bit_anywhere_opens_nothing() {
    let bench = Bench::start().await;
    let sealed = seal(&bench.kms, &new_key().unwrap(), &bench.place()).await.unwrap();
    let flipped = |bytes: &[u8], bit: usize| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    let mut refused = 0;
    for bit in (0..sealed.blob.len() * 8).step_by(37) {
        let tampered = SealedKey { blob: flipped(&sealed.blob, bit), ..sealed.clone() };
        assert_eq!(bench.opened(&tampered, &bench.place()).await, None, "blob {bit}");
        refused += 1;
    }
    for bit in (0..96).step_by(7) {
        let nonce = flipped(&sealed.nonce, bit).try_into().unwrap();
        let tampered = SealedKey { nonce, ..sealed.clone() };
        assert_eq!(bench.opened(&tampered, &bench.place()).await, None, "nonce {bit}");
        refused += 1;
    }
    for bit in (0..sealed.sealed.len() * 8).step_by(11) {
        let tampered = SealedKey { sealed: flipped(&sealed.sealed, bit), ..sealed.clone() };
        assert_eq!(bench.opened(&tampered, &bench.place()).await, None, "sealed {bit}");
        refused += 1;
    }
    for length in [0, 15, 16, 47] {
        let sealed = SealedKey { sealed: sealed.sealed[..length].to_vec(), ..sealed.clone() };
        assert_eq!(bench.opened(&sealed, &bench.place()).await, None, "{length} bytes");
        refused += 1;
    }
    assert_eq!(refused, 21 + 14 + 35 + 4);
}

#[tokio::test]
async fn a_key_in_another_place_opens_nothing() {
    let bench = Bench::start().await;
    let place = bench.place();
    let sealed = seal(&bench.kms, &new_key().unwrap(), &place).await.unwrap();
    let gtin = gtin("00313000007789");
    let forms =
        [form("B", "0123456789", 10), form("A", "012345678", 10), form("A", "0123456789", 9)];
    let others = [
        Place { table: "hub-2", ..place },
        Place { gtin: &gtin, ..place },
        Place { space: SpaceId::of(&gtin, place.form), ..place },
        Place { form: &forms[0], ..place },
        Place { form: &forms[1], ..place },
        Place { form: &forms[2], ..place },
        // The same characters, cut at other places.
        Place { table: "hub-", ..place },
    ];
    for other in others {
        assert_eq!(bench.opened(&sealed, &other).await, None, "{other:?}");
    }
    let elsewhere = kms_of(&KeyService::start().await, bench.service.key_arn());
    assert!(open(&elsewhere, &sealed, &place).await.is_err(), "that service has stopped");
    assert!(bench.opened(&sealed, &place).await.is_some());
}

/// What the service answers to the first three attempts, and what becomes of it.
#[tokio::test]
async fn a_service_that_fails_is_asked_again_and_then_named() {
    let check = async |failures: &[(u16, &'static str)], calls: usize, expected: &str| {
        let bench = Bench::start().await;
        let sealed = seal(&bench.kms, &new_key().unwrap(), &bench.place()).await.unwrap();
        bench.service.fail(failures);
        let outcome = match open(&bench.kms, &sealed, &bench.place()).await {
            Ok(Some(_)) => "opened",
            Ok(None) => "refused",
            Err(StoreError::Throttled { operation: "KMS Decrypt" }) => "throttled",
            Err(StoreError::Unavailable { operation: "KMS Decrypt", .. }) => "unavailable",
            Err(other) => panic!("{other:?}"),
        };
        let decrypts = bench.service.calls().len() - 1;
        assert_eq!((outcome, decrypts), (expected, calls), "{failures:?}");
    };
    let (slow, broken) = ((400, "ThrottlingException"), (500, "KMSInternalException"));
    check(&[slow], 2, "opened").await;
    check(&[broken, (503, "")], 3, "opened").await;
    check(&[slow; 3], 3, "throttled").await;
    check(&[broken; 3], 3, "unavailable").await;
    check(&[(400, "com.amazonaws.kms#InvalidCiphertextException")], 1, "refused").await;
    check(&[(400, "IncorrectKeyException")], 1, "refused").await;
    check(&[(400, "AccessDeniedException")], 1, "unavailable").await;
    check(&[(400, "DisabledException")], 1, "unavailable").await;
}

#[test]
fn the_key_says_where_its_service_is() {
    let check = |arn: &str, region: &str, endpoint: &str| {
        let settings = AwsSettings::new("us-east-1", None, ("id", "secret"), None);
        let kms = format!("{:?}", Kms::new(&settings, &https(), arn));
        assert_eq!(kms, format!("Kms({arn} in {region} at {endpoint})"));
    };
    let key = "key/1f2e3d4c";
    check(
        &format!("arn:aws:kms:eu-central-1:123456789012:{key}"),
        "eu-central-1",
        "https://kms.eu-central-1.amazonaws.com",
    );
    check(
        &format!("arn:aws-cn:kms:cn-north-1:123456789012:{key}"),
        "cn-north-1",
        "https://kms.cn-north-1.amazonaws.com.cn",
    );
    check("alias/hub", "us-east-1", "https://kms.us-east-1.amazonaws.com");
}
