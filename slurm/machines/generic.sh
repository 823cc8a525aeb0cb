# shellcheck shell=bash disable=SC2034
# A machine file: what is special about one cluster. Copy it, edit it, name it in TESSERA_MACHINE. It is sourced by
# slurm/tessera.sbatch inside the job: it brings "tessera" into PATH and sets the arrays "launcher" and "memory".

# 1. The libraries tessera was built with (docs/cluster.md): modules, a Spack environment, or nothing.
#    module purge; module load gcc/12 openmpi/4.1 hdf5/1.14-mpi cfitsio wcslib fftw/3.3-mpi kokkos
#    spack env activate tessera

# 2. The program.
export PATH="${TESSERA_PREFIX:-${SLURM_SUBMIT_DIR:-$PWD}/build/release}/bin:$PATH"

# 3. Threads: as many as Slurm gave to a rank. Binding is Slurm's business.
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}" OMP_PROC_BIND="${OMP_PROC_BIND:-false}"

# 4. Memory of a rank (Slurm counts in MiB), told to tessera: nine tenths of what Slurm gave, the rest is for MPI and the page cache.
memory=()
if [ -n "${SLURM_MEM_PER_CPU:-}" ]; then
  memory=(--memory-per-rank "$((SLURM_MEM_PER_CPU * ${SLURM_CPUS_PER_TASK:-1} * 9 / 10))MiB")
elif [ -n "${SLURM_MEM_PER_NODE:-}" ]; then
  memory=(--memory-per-rank "$((SLURM_MEM_PER_NODE * ${SLURM_JOB_NUM_NODES:-1} * 9 / (${SLURM_NTASKS:-1} * 10)))MiB")
fi

# 5. How ranks are started. --kill-on-bad-exit=0: the ranks agree on the exit status themselves, and with 75 every one
#    must be let finish. Sites with a launcher of their own change this line.
launcher=(srun --mpi="${TESSERA_SRUN_MPI:-pmix}" --kill-on-bad-exit=0)
