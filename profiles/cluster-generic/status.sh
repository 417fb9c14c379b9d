#!/usr/bin/env bash
# Prints what has become of a Slurm job: running, success or failed.
#
# Elsewhere, ask for the job's state and its exit code:
#   PBS Pro: qstat -x -f ID   (job_state = F, then Exit_status)
#   LSF:     bjobs -noheader -o "stat exit_code" ID   (DONE, EXIT, else running)
#   SGE:     qstat -j ID while it runs, then qacct -j ID   (failed, exit_status)
set -u
job=${1%%;*}

# The accounting knows jobs for good; without it the controller does, for minutes.
state=$(sacct --jobs "$job" --allocations --noheader --parsable2 --format State 2>/dev/null | head -n 1)
if [ -z "$state" ]; then
    answer=$(scontrol show job --oneliner "$job" 2>&1)
    case $answer in
        *"JobState="*) state=${answer#*JobState=} ;;
        *"Invalid job id"*) state=FORGOTTEN ;;
        *) state=UNKNOWN ;; # the controller does not answer just now: ask again
    esac
fi

case $state in
    COMPLETED*) echo success ;;
    PENDING* | RUNNING* | CONFIGURING* | COMPLETING* | SUSPENDED* | REQUEUED* | RESIZING* | STAGE_OUT* | STOPPED* | SIGNALING* | SPECIAL_EXIT* | UNKNOWN) echo running ;;
    *) echo failed ;;
esac
