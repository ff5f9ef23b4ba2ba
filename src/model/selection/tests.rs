use proptest::prelude::*;

use super::*;
use crate::model::work_profile::{
    ModelAssignments, Routing, SelectionPolicy, WORK_PROFILE_VERSION,
};

fn assignment(primary: &str, fallback: Option<&str>) -> Assignment {
    Assignment {
        primary_model_id: primary.to_owned(),
        fallback_model_id: fallback.map(str::to_owned),
        local_only: false,
        allowed_models: None,
        compute: None,
    }
}

fn profile(worker: Assignment, policy: SelectionPolicy, candidates: &[&str]) -> WorkProfile {
    let other = assignment("small", None);
    WorkProfile {
        schema_version: WORK_PROFILE_VERSION.to_owned(),
        model_assignments: ModelAssignments {
            frontend: other.clone(),
            orchestrator: other.clone(),
            worker,
            validator: other,
        },
        governance: Governance {
            automation_level: AutomationLevel::Autonomous,
            allow_cloud_escalation: true,
            max_cloud_escalations_per_job: None,
        },
        routing: Routing {
            selection_policy: policy,
            candidate_models: candidates.iter().map(|one| (*one).to_owned()).collect(),
        },
    }
}

fn model(id: &str, class: ParameterClass, backend: Backend) -> Candidate {
    Candidate {
        id: id.to_owned(),
        backend,
        parameter_class: class,
        score: None,
        ready: true,
    }
}

/// small (7B), middle (32B), large (72B), all here, and cloud (110B) elsewhere.
fn four() -> Vec<Candidate> {
    vec![
        model("small", ParameterClass::P7B, Backend::Local),
        model("middle", ParameterClass::P32B, Backend::Local),
        model("large", ParameterClass::P72B, Backend::Local),
        model("cloud", ParameterClass::P110B, Backend::Cloud),
    ]
}

const ALL: [&str; 4] = ["small", "middle", "large", "cloud"];

fn chosen(profile: &WorkProfile, known: &[Candidate]) -> Result<String, &'static str> {
    let found = select(profile, ProfileRole::Worker, known);
    found.map(|one| one.id.clone()).map_err(|why| match why {
        NoChoice::NotReady(..) => "not ready",
        NoChoice::NotAllowed(..) => "not allowed",
    })
}

#[test]
fn a_model_is_chosen_as_the_profile_says() {
    use SelectionPolicy::{Explicit, LargestAvailable};
    let usual = || assignment("small", Some("middle"));
    let local = |local_only| Assignment {
        local_only,
        ..usual()
    };
    let only = |allowed: &[&str]| Assignment {
        allowed_models: Some(allowed.iter().map(|one| (*one).to_owned()).collect()),
        ..usual()
    };
    type Case<'a> = (
        Assignment,
        SelectionPolicy,
        &'a [&'a str],
        &'a [&'a str],
        Result<&'a str, &'a str>,
    );
    let cases: [Case; 14] = [
        (usual(), Explicit, &ALL, &[], Ok("small")),
        (usual(), Explicit, &ALL, &["small"], Ok("middle")),
        (
            usual(),
            Explicit,
            &ALL,
            &["small", "middle"],
            Err("not ready"),
        ),
        (
            assignment("small", None),
            Explicit,
            &[],
            &["small"],
            Err("not ready"),
        ),
        (usual(), LargestAvailable, &ALL, &[], Ok("cloud")),
        (usual(), LargestAvailable, &ALL, &["cloud"], Ok("large")),
        (usual(), LargestAvailable, &["middle"], &[], Ok("middle")),
        (usual(), LargestAvailable, &[], &[], Ok("small")),
        (
            usual(),
            LargestAvailable,
            &["large"],
            &["large"],
            Ok("small"),
        ),
        (usual(), LargestAvailable, &ALL, &ALL, Err("not ready")),
        (local(true), LargestAvailable, &ALL, &[], Ok("large")),
        (
            only(&["small", "middle"]),
            LargestAvailable,
            &ALL,
            &[],
            Ok("middle"),
        ),
        (
            only(&["unknown"]),
            LargestAvailable,
            &ALL,
            &[],
            Err("not allowed"),
        ),
        (
            assignment("gone", None),
            Explicit,
            &[],
            &[],
            Err("not allowed"),
        ),
    ];
    for (at, (worker, policy, listed, unready, expected)) in cases.into_iter().enumerate() {
        let mut known = four();
        for one in &mut known {
            one.ready = !unready.contains(&one.id.as_str());
        }
        let found = chosen(&profile(worker, policy, listed), &known);
        assert_eq!(found, expected.map(str::to_owned), "case {at}");
    }
    let far = Assignment {
        local_only: true,
        ..assignment("cloud", None)
    };
    let found = chosen(&profile(far, Explicit, &[]), &four());
    assert_eq!(found, Err("not allowed"));
}

#[test]
fn of_models_of_one_class_the_measured_score_and_then_the_order_counts() {
    let scored = |id: &str, score| Candidate {
        score,
        ..model(id, ParameterClass::P7B, Backend::Local)
    };
    let all = [
        scored("first", None),
        scored("slow", Some(1.0)),
        scored("odd", Some(f64::NAN)),
        scored("quick", Some(9.0)),
        scored("as-quick", Some(9.0)),
        model("unknown", ParameterClass::PUnknown, Backend::Cloud),
        model("large", ParameterClass::P13B, Backend::Local),
    ];
    let order: Vec<&str> = largest_first(&all)
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    let expected = [
        "large", "quick", "as-quick", "slow", "first", "odd", "unknown",
    ];
    assert_eq!(order, expected);
}

#[test]
fn work_goes_to_the_next_larger_model_and_no_further_than_is_allowed() {
    let base = profile(assignment("small", None), SelectionPolicy::Explicit, &ALL);
    let known = four();
    let next = |profile: &WorkProfile, known: &[Candidate], current: &str, used| {
        let current = known.iter().find(|one| one.id == current).unwrap();
        let found = escalate(profile, ProfileRole::Worker, known, current, used);
        found.map(|found| (found.to.id.clone(), found.is_cloud, found.needs_person))
    };
    let to = |id: &str, is_cloud, asks| Some((id.to_owned(), is_cloud, asks));
    assert_eq!(next(&base, &known, "small", 0), to("middle", false, false));
    assert_eq!(next(&base, &known, "middle", 0), to("large", false, false));
    assert_eq!(next(&base, &known, "large", 9), to("cloud", true, false));
    assert_eq!(next(&base, &known, "cloud", 0), None);
    let mut without = four();
    without[1].ready = false;
    assert_eq!(next(&base, &without, "small", 0), to("large", false, false));

    let governed = |change: fn(&mut Governance)| {
        let mut profile = base.clone();
        change(&mut profile.governance);
        profile
    };
    let closed = governed(|g| g.allow_cloud_escalation = false);
    assert_eq!(next(&closed, &known, "large", 0), None);
    let twice = governed(|g| g.max_cloud_escalations_per_job = Some(2));
    assert_eq!(next(&twice, &known, "large", 1), to("cloud", true, false));
    assert_eq!(next(&twice, &known, "large", 2), None);
    let hybrid = governed(|g| g.automation_level = AutomationLevel::Hybrid);
    assert_eq!(
        next(&hybrid, &known, "small", 0),
        to("middle", false, false)
    );
    assert_eq!(next(&hybrid, &known, "large", 0), to("cloud", true, true));
    let human = governed(|g| g.automation_level = AutomationLevel::FullHuman);
    assert_eq!(next(&human, &known, "small", 0), to("middle", false, true));
    let mut local = base.clone();
    local.model_assignments.worker.local_only = true;
    assert_eq!(next(&local, &known, "large", 0), None);
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let class = prop::sample::select(ParameterClass::ALL.to_vec());
    let score = prop::option::of(prop_oneof![0.0..100.0f64, Just(f64::NAN)]);
    (0..9u8, class, score, any::<bool>(), any::<bool>()).prop_map(
        |(id, parameter_class, score, ready, local)| Candidate {
            id: format!("m{id}"),
            backend: if local {
                Backend::Local
            } else {
                Backend::Cloud
            },
            parameter_class,
            score,
            ready,
        },
    )
}

fn any_profile() -> impl Strategy<Value = WorkProfile> {
    let id = || (0..9u8).prop_map(|id| format!("m{id}"));
    let ids = || prop::collection::vec(id(), 0..9);
    let policy = prop_oneof![
        Just(SelectionPolicy::Explicit),
        Just(SelectionPolicy::LargestAvailable)
    ];
    let flags = (any::<bool>(), any::<bool>(), prop::option::of(0..3u32));
    let worker = (id(), prop::option::of(id()), prop::option::of(ids()));
    (worker, policy, ids(), flags).prop_map(
        |((primary, fallback, allowed), policy, candidates, (local_only, cloud, most))| {
            let worker = Assignment {
                primary_model_id: primary,
                fallback_model_id: fallback,
                local_only,
                allowed_models: allowed,
                compute: None,
            };
            let mut profile = profile(worker, policy, &[]);
            profile.routing.candidate_models = candidates;
            profile.governance.allow_cloud_escalation = cloud;
            profile.governance.max_cloud_escalations_per_job = most;
            profile
        },
    )
}

proptest! {
    #[test]
    fn nobody_plays_a_role_who_may_not(
        profile in any_profile(),
        known in prop::collection::vec(candidate(), 0..12),
        used in 0..4u32,
    ) {
        let worker = &profile.model_assignments.worker;
        let may = |one: &Candidate| {
            let named = profile.routing.candidate_models.contains(&one.id)
                || worker.primary_model_id == one.id
                || worker.fallback_model_id.as_ref() == Some(&one.id);
            let allowed = worker.allowed_models.as_ref().is_none_or(|all| all.contains(&one.id));
            let stays = !worker.local_only || one.backend == Backend::Local;
            named && allowed && stays && one.ready
        };
        let Ok(first) = select(&profile, ProfileRole::Worker, &known) else { return Ok(()) };
        prop_assert!(may(first));
        let mut current = first;
        let mut clouds = used;
        let mut steps = 0;
        while let Some(found) = escalate(&profile, ProfileRole::Worker, &known, current, clouds) {
            prop_assert!(may(found.to));
            prop_assert!(found.to.parameter_class > current.parameter_class);
            if found.to.backend == Backend::Cloud {
                prop_assert!(found.is_cloud && profile.governance.allow_cloud_escalation);
                let most = profile.governance.max_cloud_escalations_per_job;
                prop_assert!(most.is_none_or(|most| clouds < most));
                clouds += 1;
            }
            current = found.to;
            steps += 1;
        }
        prop_assert!(steps < ParameterClass::ALL.len());
    }

    #[test]
    fn the_largest_first_order_is_total_and_keeps_everyone(
        known in prop::collection::vec(candidate(), 0..12),
    ) {
        let sorted = largest_first(&known);
        prop_assert_eq!(sorted.len(), known.len());
        for pair in sorted.windows(2) {
            prop_assert!(pair[0].parameter_class >= pair[1].parameter_class);
            if pair[0].parameter_class == pair[1].parameter_class {
                let score = |one: &Candidate| one.score.filter(|s| !s.is_nan()).unwrap_or(-1.0);
                prop_assert!(score(pair[0]) >= score(pair[1]));
            }
        }
    }
}
