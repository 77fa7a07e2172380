//! The life of an allocation.

use super::pools::Said;
use super::{Reference, Reuse, Status};
use crate::op::Verb;

impl Reference {
    /// Turns an allocation, if its life has that.
    pub fn turn(&mut self, id: &str, verb: Verb) -> Said {
        use Status::{Active, Closed, Exported, Pending, Reserved, Review};
        let (now, refused) = (self.now, (409, "allocation-state"));
        let Some(allocation) = self.allocations.get_mut(id) else { return (404, "not-found") };
        let status = allocation.status;
        match verb {
            Verb::Confirm => {
                if status.is_given_up() {
                    return refused;
                }
                let too_late = allocation.hold.is_some_and(|(ends, _)| ends <= now);
                if status == Pending && too_late {
                    return refused;
                }
                if matches!(status, Pending | Active) {
                    allocation.hold = allocation.hold.map(|(ends, _)| (ends, true));
                }
                if status == Pending {
                    allocation.status = Reserved;
                }
            }
            Verb::Close => return self.close(id, None).0,
            Verb::Export => {
                // Whoever gave numbers back is not handed them once more.
                let gave = allocation.reuse == Reuse::Gave;
                if gave || !matches!(status, Reserved | Exported | Active | Review | Closed) {
                    return refused;
                }
                if status == Reserved {
                    allocation.status = Exported;
                }
            }
            Verb::Void => {
                if !matches!(status, Pending | Reserved | Exported | Status::Voided) {
                    return refused;
                }
                self.give_up(id, Status::Voided, "voided");
            }
        }
        (200, "")
    }

    /// The sweep gives up what nobody confirmed in time.
    pub fn sweep_holds(&mut self) {
        let ended = self.allocations.iter().filter(|(_, allocation)| {
            let is_over = allocation.hold.is_some_and(|(ends, _)| ends <= self.now);
            allocation.status == Status::Pending && is_over
        });
        let ended: Vec<String> = ended.map(|(id, _)| id.clone()).collect();
        for id in ended {
            self.give_up(&id, Status::Expired, "expired");
        }
    }

    fn give_up(&mut self, id: &str, to: Status, why: &'static str) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        if allocation.status == to {
            return;
        }
        allocation.status = to;
        let Some(pool) = self.pools.get_mut(&allocation.pool) else { return };
        let taken_again = allocation.reuse == Reuse::Took;
        let ranges = if taken_again { &mut pool.again } else { &mut pool.ranges };
        if let Some(range) = ranges.get_mut(&allocation.start) {
            range.void = Some(why);
        }
    }

    /// A number is on a pack.
    pub(super) fn activate(&mut self, id: &str) {
        if let Some(allocation) = self.allocations.get_mut(id)
            && matches!(allocation.status, Status::Pending | Status::Reserved | Status::Exported)
        {
            allocation.status = Status::Active;
        }
    }
}
