//! A person gives a session another model.

use super::failure::Failure;
use super::inside;
use super::models::{find, open_model};
use super::probe::{known, place};
use super::project::Project;
use super::providers::reach;
use crate::model::code::Code;
use crate::model::redact::Redactor;
use crate::model::work::Choice;
use crate::proc::Wake;
use crate::sessions;
use crate::store::SessionRow;

/// From its next job on the session has this model. When that cannot be called, the session keeps the one that it has.
///
/// # Errors
/// [`Code::ModelSwapFailed`]; and [`Code::SessionState`] where the session has no model or its work is over;
/// or when it is asked from inside of a session.
pub fn swap(project: &mut Project, selector: &str, model: &str) -> Result<SessionRow, Failure> {
    inside::refuse_session("a session gives no session another model")?;
    let row = project.session(selector)?;
    ready(project, model).map_err(|why| {
        let message = format!("{} keeps its model: {}", row.name, why.message);
        let mut failure = Failure::new(Code::ModelSwapFailed, message);
        failure.hints = why.hints;
        failure
    })?;
    let choice = Choice::new(model, "a person asked for it".to_owned());
    sessions::swap(&mut project.store, &row, choice)?;
    Wake::notify(&project.repo.state_dir());
    Ok(row)
}

fn ready(project: &Project, name: &str) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let settings = &project.settings;
    open_model(settings, name, variable, &Redactor::patterns())?;
    let model = find(settings, name)?;
    let endpoint = reach(&model.provider, &variable)?.endpoint;
    let now = jiff::Timestamp::now().as_millisecond();
    let is_it = |probe: &&_| {
        let probe: &crate::model::mode::Probe = probe;
        probe.endpoint == endpoint && probe.model == model.model
    };
    let probes = known(&place()?);
    let mut of_it = probes.iter().filter(is_it);
    match of_it.any(|probe| probe.is_ready(now)) {
        true => Ok(()),
        false => Err(Failure::new(
            Code::NoReadyModel,
            format!("{name} is not READY"),
        )),
    }
}
