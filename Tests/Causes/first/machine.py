# results/host.json: same
# results/memory.txt: same
# results/load.txt: same
# results/cpu.txt: same
# results/locale.txt: same
# results/disk.txt: environment
# results/free_pages.txt: environment
# results/started.txt: elapsed time
import getpass, json, locale, os, platform, shutil, socket

os.makedirs("results")
json.dump({"host": socket.gethostname(), "user": getpass.getuser(), "cpus": os.cpu_count(), "pid": os.getpid(),
           "system": platform.platform(), "cwd": os.getcwd()}, open("results/host.json", "w"))
open("results/memory.txt", "w").write("".join(open("/proc/meminfo").readlines()[:5]))
open("results/load.txt", "w").write(open("/proc/loadavg").read() + open("/proc/uptime").read())
open("results/cpu.txt", "w").write(open("/proc/cpuinfo").read())
open("results/locale.txt", "w").write(f"{locale.getlocale()} {locale.localeconv()['decimal_point']}")
open("results/disk.txt", "w").write(f"{shutil.disk_usage('.').free} bytes free")
open("results/free_pages.txt", "w").write(str(os.sysconf("SC_AVPHYS_PAGES")))
open("results/started.txt", "w").write(open("/proc/self/stat").read().split()[21])
