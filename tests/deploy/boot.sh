#!/bin/sh
# Makes this namespace a machine: FOLDER gets its root, a layer in memory over the files of this machine; then its first process.
# Usage (in new namespaces): boot.sh FOLDER PYTHON PACKAGES PROJECT systemd|none
#   PYTHON    the prefix of the Python that is there, at /usr/local/python
#   PACKAGES  the folder of the packages that pip finds installed there, in every environment that is made
#   PROJECT   the checkout that is there, at /usr/local/src/counterfoil, to be read alone
set -eu
folder=$1 python=$2 packages=$3 project=$4 init=$5

layer=$folder/layer
mkdir "$layer"
mount -t tmpfs -o mode=755 machine "$layer"
cd "$layer"
mkdir upper work root
mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" machine root
cd root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
# Of this machine's devices those alone that every program may use; its console is none of them.
mount -t tmpfs -o mode=755 dev dev
for each in null zero full random urandom tty; do touch dev/$each && mount --bind /dev/$each dev/$each; done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 pts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for each in run tmp var/tmp; do mount -t tmpfs -o mode=1777 "$(basename $each)" $each; done
chmod 755 run
ip link set lo up

# The Python of these tests may be in somebody's home, where a service cannot go.
mkdir -p usr/local/python usr/local/python-packages usr/local/src/counterfoil
mount --bind "$python" usr/local/python
mount --bind "$packages" usr/local/python-packages
mount --bind "$project" usr/local/src/counterfoil
for each in python python-packages src/counterfoil; do mount -o remount,bind,ro "usr/local/$each"; done
echo /usr/local/python/lib >etc/ld.so.conf.d/python.conf
rm -f usr/local/bin/python usr/local/bin/python3
cat >usr/local/bin/python3 <<'PYTHON'
#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec /usr/local/python/bin/python3 "$@"
# What an environment is to hold is there already, pip included.
/usr/local/python/bin/python3 -m venv --without-pip "$3" || exit
echo /usr/local/python-packages >"$(echo "$3"/lib/python3.*/site-packages)/tested.pth"
printf '#!%s\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n' "$3/bin/python" >"$3/bin/pip"
chmod 755 "$3/bin/pip"
PYTHON
chmod 755 usr/local/bin/python3
ln -s python3 usr/local/bin/python

# Only what is asked for is started: nothing of this machine's own services.
rm -rf etc/systemd/system/* usr/lib/systemd/system/*.wants
printf '[Unit]\nDefaultDependencies=no\nWants=systemd-journald.service\n' >etc/systemd/system/machine.target
printf '[Unit]\nDefaultDependencies=no\n' >etc/systemd/system/sysinit.target
rm -f etc/machine-id && echo 0123456789abcdef0123456789abcdef >etc/machine-id

mkdir -p old
pivot_root . old
ldconfig
touch "old$folder/ready"
umount -l old
case $init in
systemd) exec /lib/systemd/systemd --unit=machine.target --show-status=no ;;
none) exec cat ;; # until the pipe on standard input closes
esac
