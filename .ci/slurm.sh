#!/usr/bin/env bash
# A real Slurm of two nodes on this one machine, for the tests; as root, on Debian:
#   .ci/slurm.sh start    (packages: munge slurmctld slurmd slurm-client)
#   .ci/slurm.sh stop
# A job over both nodes goes through two slurmd with host names of their own; Open MPI
# would take the "nodes" for one shared memory: OMPI_MCA_btl=tcp,self keeps them apart.
set -euo pipefail

conf=/etc/slurm/slurm.conf
state=/var/lib/asdf-pipeline-slurm
nodes=(n1 n2)

stop() {
    local pidfile
    for pidfile in "$state"/*.pid; do
        if [ -s "$pidfile" ]; then kill "$(cat "$pidfile")" 2>/dev/null || true; fi
    done
    sleep 1
    rm -rf "$state"
}

start_munge() {
    if munge --no-input 2>/dev/null | unmunge >/dev/null 2>&1; then return; fi
    if [ ! -s /etc/munge/munge.key ]; then
        dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none
    fi
    install -d -o munge -g munge /run/munge /var/log/munge /var/lib/munge
    chown munge: /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
    runuser -u munge -- /usr/sbin/munged
}

write_conf() {
    local cores port=17001 node
    cores=$(nproc)
    cat <<CONF
ClusterName=two
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
AuthType=auth/munge
MpiDefault=none
ReturnToService=2
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/%n
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/%n.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/%n.log
TmpFS=$state/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
# A job that meets its time limit gets SIGTERM, and this many seconds later SIGKILL.
KillWait=5
MinJobAge=300
CONF
    for node in "${nodes[@]}"; do
        echo "NodeName=$node NodeAddr=127.0.0.1 Port=$port CPUs=$cores RealMemory=8000"
        port=$((port + 1))
    done
    echo "PartitionName=all Nodes=$(IFS=, && echo "${nodes[*]}") Default=YES MaxTime=INFINITE"
}

start() {
    local node deadline=$((SECONDS + 60))
    stop
    start_munge
    mkdir -p "$state/controller" "${conf%/*}"
    for node in "${nodes[@]}"; do mkdir -p "$state/$node"; done
    write_conf >"$conf"
    slurmctld
    for node in "${nodes[@]}"; do slurmd -N "$node"; done
    until [ "$(sinfo --noheader --Node --format=%t 2>/dev/null | grep -c '^idle$')" = "${#nodes[@]}" ]; do
        if ((SECONDS > deadline)); then
            echo "Slurm did not come up:" >&2
            sinfo >&2 || true
            tail -n 20 "$state"/*.log >&2
            exit 1
        fi
        sleep 0.5
    done
    sinfo
}

case ${1:-} in
    start | stop) "$1" ;;
    *)
        echo "usage: ${0##*/} start|stop" >&2
        exit 2
        ;;
esac
