#!/bin/bash
#SBATCH --job-name=%{name}
#SBATCH --nodes=%{nodes}
#SBATCH --ntasks-per-node=%{tasks}
#SBATCH --cpus-per-task=%{cores}
#SBATCH --time=%{time}
#SBATCH --signal=USR1@%{margin}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%{log}
%{more}
# What your site needs, for example:
#   module purge; module load python
#   source .venv/bin/activate
# The MPI of the wheel (pip install "frenkel[mpi]") starts under srun with MPI=pmi2; with the Open MPI of a
# site use MPI=pmix, and see docs/cluster.md. `srun --mpi=list` tells what there is.
MPI=${MPI:-pmi2}
TRY=${TRY:-1}

# A member runs on one core; more threads would only get in each other's way.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

if [ "$TRY" -gt %{tries} ]; then
    echo "job %{tries} of this chain has not finished it; look at: frenkel status %{output}" >&2
    exit 1
fi
%{start}
code=$?

# 0: done. 3: done, some members failed. 75: stopped in time, to be gone on with.
if [ "$code" -eq 75 ]; then
    script=$(scontrol show job "$SLURM_JOB_ID" | sed -n 's/^ *Command=//p' | head -n 1)
    sbatch --dependency=afterany:%{again} --export=ALL,TRY=$((TRY + 1)) %{element}"$script"
    exit 0
fi
exit "$code"
