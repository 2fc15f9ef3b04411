# What your site needs besides, for example: source .venv/bin/activate
module load %{modules}

# A member runs on one core; more threads would only get in each other's way.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

export TRY=${TRY:-1} KILLED=${KILLED:-0}  # which job of the chain this is; how many before it lost a process
if [ "$TRY" -gt %{tries} ]; then
    echo "job %{tries} of this chain has not finished it; look at:" %{status} >&2
    exit 1
fi
start %{command}
code=$?

# 0: done. 1: failed, or some members failed. 75: stopped in time, to be gone on with.
if [ "$code" -gt 128 ] || [ "$code" -eq 9 ] || [ "$code" -eq 15 ]; then  # a process was killed
    KILLED=$((KILLED + 1))
    if [ "$KILLED" -gt %{kills} ]; then
        echo "a process was killed $KILLED times; look at:" %{status} >&2
        exit "$code"
    fi
elif [ "$code" -ne 75 ]; then
    exit "$code"
fi
TRY=$((TRY + 1))
again
