use proptest::prelude::*;

use super::*;

fn pool() -> impl Strategy<Value = PoolId> {
    "[A-Z2-7]{26}".prop_map(|text| PoolId::parse(&text).unwrap())
}

fn allocation() -> impl Strategy<Value = AllocationId> {
    "[A-Z2-7]{26}".prop_map(|text| AllocationId::parse(&text).unwrap())
}

fn index() -> impl Strategy<Value = u128> {
    0..100_000_000_000_000_000_000_u128
}

fn gln() -> impl Strategy<Value = Gln> {
    (0..10_000_u64)
        .prop_map(|n| Gln::from_location(&format!("urn:epc:id:sgln:0313000.{n:05}.0")).unwrap())
}

fn any_pk() -> impl Strategy<Value = Pk> {
    prop_oneof![
        pool().prop_map(Pk::Pool),
        Just(Pk::Registry),
        "[0-9]{13}".prop_map(|body| Pk::Gtin(Gtin14::from_body(body.as_bytes()).unwrap())),
        Just(Pk::Sscc),
        "[0-9]{13}".prop_map(|body| Pk::Product(Gtin14::from_body(body.as_bytes()).unwrap())),
        allocation().prop_map(Pk::Allocation),
        (allocation(), 0..100_000_000_u32).prop_map(|(id, n)| Pk::Block(id, n)),
        (pool(), index()).prop_map(|(id, start)| Pk::Run(id, start)),
        "[0-9a-f]{64}".prop_map(Pk::Document),
        "[0-9a-f]{64}".prop_map(Pk::Raw),
        "[0-9a-f]{64}".prop_map(Pk::Arrival),
        (allocation(), "[a-z]{4,5}\\.(csv|json)(\\.gz)?")
            .prop_map(|(id, file)| Pk::Export(id, file)),
        Just(Pk::Sweep),
        "[a-z2-7]{26}".prop_map(Pk::Finding),
        "[a-z2-7]{26}".prop_map(Pk::Subject),
        gln().prop_map(Pk::Line),
        Just(Pk::Lines),
        Just(Pk::Seals),
        Just(Pk::Webhook),
        "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
            .prop_map(|text| Pk::System(SystemId::parse(&text).unwrap())),
        "[a-z2-7]{16}".prop_map(Pk::Credential),
        "[0-9a-f]{64}".prop_map(Pk::Session),
    ]
}

fn any_sk() -> impl Strategy<Value = Sk> {
    prop_oneof![
        Just(Sk::Pool),
        Just(Sk::Watch),
        Just(Sk::Told),
        Just(Sk::Webhook),
        (1..1_000_000_000_000_u64).prop_map(Sk::PoolEvent),
        index().prop_map(Sk::Range),
        index().prop_map(Sk::Returned),
        index().prop_map(Sk::Reoffer),
        (index(), "[0-9a-f]{64}").prop_map(|(first, sha)| Sk::Import(first, sha)),
        pool().prop_map(Sk::RegistryPool),
        Just(Sk::Guard),
        (index(), pool()).prop_map(|(from, id)| Sk::Boundary(from, id)),
        "[a-z2-7]{26}".prop_map(|text| Sk::Space(SpaceId::parse(&text).unwrap())),
        Just(Sk::Allocation),
        Just(Sk::Fill),
        (1..10_000_u32).prop_map(Sk::Closing),
        Just(Sk::Product),
        Just(Sk::State),
        "[0-9a-f]{64}".prop_map(Sk::DocumentOf),
        "[a-z2-7]{26}".prop_map(Sk::NumberChange),
        Just(Sk::Document),
        (allocation(), 0..100_000_000_u32, 0..100_000_000_u32)
            .prop_map(|(id, a, b)| Sk::Plan(id, a, b)),
        "[0-9a-f]{32}".prop_map(Sk::Finding),
        "[0-9a-f]{64}".prop_map(Sk::ArrivalOf),
        Just(Sk::Raw),
        Just(Sk::Arrival),
        Just(Sk::Export),
        Just(Sk::Notice),
        Just(Sk::NoticeSweep),
        Just(Sk::FindingHome),
        Just(Sk::Subject),
        (1..1_000_000_000_000_u64).prop_map(Sk::Audit),
        "20[0-9]{2}-0[1-9]-[12][0-8]".prop_map(Sk::Seal),
        Just(Sk::Line),
        gln().prop_map(Sk::LineOf),
        (0..1_000_000_000_000_000_u64).prop_map(Sk::Minute),
        Just(Sk::System),
        Just(Sk::Credential),
        Just(Sk::Session),
    ]
}

proptest! {
    #[test]
    fn partition_keys_come_back_and_never_meet(a in any_pk(), b in any_pk()) {
        prop_assert_eq!(a.to_string().parse::<Pk>(), Ok(a.clone()));
        prop_assert_eq!(a == b, a.to_string() == b.to_string());
    }

    #[test]
    fn sort_keys_come_back_and_never_meet(a in any_sk(), b in any_sk()) {
        prop_assert_eq!(a.to_string().parse::<Sk>(), Ok(a.clone()));
        prop_assert_eq!(a == b, a.to_string() == b.to_string());
    }

    #[test]
    fn ranges_sort_as_their_indexes(a in index(), b in index()) {
        prop_assert_eq!(a.cmp(&b), Sk::Range(a).to_string().cmp(&Sk::Range(b).to_string()));
    }
}

#[test]
fn strange_texts_are_no_keys() {
    for text in ["", "POOL", "POOL#a", "RANGE#1", "BLOCK#A#1", "DOC#a#b", "GTIN#1"] {
        assert!(text.parse::<Pk>().is_err(), "{text}");
    }
    for text in [
        "",
        "RANGE#1",
        "RANGE#+0000000000000000001",
        "PLAN#x",
        "FINDING#",
        "AUDIT#1#a",
        "DAY#2026-02-30",
    ] {
        assert!(text.parse::<Sk>().is_err(), "{text}");
    }
}
