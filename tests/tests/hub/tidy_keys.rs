//! The key that wraps the keys of spaces: who may do what with it, and that it outlives the stack.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::tidy_kit::{Template, attribute, list, reference};

#[test]
fn the_key_of_spaces_is_rotated_stays_behind_and_trusts_the_roles_of_its_account_only() {
    let template = Template::read();
    let keys = template.all("AWS::KMS::Key");
    assert_eq!(keys.len(), 1);
    let (name, key) = keys[0];
    let resource = template.resource(name);
    assert_eq!(
        (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
        (&json!("Retain"), &json!("Retain"))
    );
    assert_eq!(
        (&key["EnableKeyRotation"], &key["PendingWindowInDays"]),
        (&json!(true), &json!(30))
    );
    // `*` is the key itself here; whoever else is named could go round the roles.
    let statements = list(&key["KeyPolicy"]["Statement"]);
    assert_eq!(statements.len(), 1);
    let root = json!({ "!Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" });
    assert_eq!(statements[0]["Principal"], json!({ "AWS": root }));
    let variables = template.at("/Globals/Function/Environment/Variables");
    assert_eq!(variables["SPACE_KEY_ARN"], attribute(name, "Arn"));
    let aliases = template.all("AWS::KMS::Alias");
    assert_eq!(aliases[0].1["TargetKeyId"], reference(name));
}

/// What a condition lets open, or make. A call that says no context is let through by them and opens nothing: all
/// that there is was sealed with one.
fn opens(condition: &Value) -> &'static str {
    let keys = json!({ "kms:EncryptionContextKeys": ["gtin", "space"] });
    let webhook = json!({ "kms:EncryptionContext:space": "webhook" });
    let of_both = json!({ "ForAllValues:StringEquals": keys });
    let of_spaces = json!({
        "ForAllValues:StringEquals": keys,
        "StringNotEquals": webhook,
    });
    let of_webhook = json!({ "StringEqualsIfExists": webhook });
    let known = [(of_both, "of both"), (of_spaces, "of spaces"), (of_webhook, "of the webhook")];
    let found = known.into_iter().find(|(known, _)| known == condition);
    found.unwrap_or_else(|| panic!("{condition}")).1
}

/// Whoever makes keys cannot open them, and whoever opens them can make none; in no other context than
/// ours. The secret of the webhook is opened by the sweep alone, and the sweep opens nothing else.
#[test]
fn who_makes_keys_of_spaces_opens_none() {
    let template = Template::read();
    let mut rights = BTreeMap::new();
    for (name, role) in template.all("AWS::IAM::Role") {
        for statement in list(&role["Policies"][0]["PolicyDocument"]["Statement"]) {
            let actions: Vec<&str> =
                list(&statement["Action"]).iter().map(|action| action.as_str().unwrap()).collect();
            if !actions.iter().any(|action| action.starts_with("kms:")) {
                continue;
            }
            assert_eq!(statement["Resource"], attribute("SpaceKey", "Arn"), "{name}");
            let right = format!("{} {}", actions.join(" "), opens(&statement["Condition"]));
            assert_eq!(rights.insert(name.strip_suffix("Role").unwrap(), right), None);
        }
    }
    let open = "kms:Decrypt of spaces".to_owned();
    let expected = BTreeMap::from([
        ("AllocateSerials", open.clone()),
        ("ExportAllocation", open.clone()),
        ("ManagePools", "kms:GenerateDataKey of both".to_owned()),
        ("ReconcileCommissioning", open.clone()),
        ("ReportOperations", open.clone()),
        ("SweepReservations", "kms:Decrypt of the webhook".to_owned()),
        ("WriteExports", open),
    ]);
    assert_eq!(rights, expected);
}
