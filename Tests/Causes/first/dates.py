# results/german.txt: clock
# results/millis.csv: clock
# results/zone.json: clock
# results/serial.txt: clock
# results/rfc.txt: clock
# results/shell.txt: clock
# results/midnight.txt: clock
# results/literal.txt: same
import datetime, email.utils, json, os, subprocess, time

os.makedirs("results")
now = datetime.datetime.now()
open("results/german.txt", "w").write(now.strftime("Stand: %d.%m.%Y, %H.%M.%S Uhr\n"))
open("results/millis.csv", "w").write(f"event,ms\nstart,{int(time.time() * 1000)}\n")
json.dump({"at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}, open("results/zone.json", "w"))
open("results/serial.txt", "w").write(f"{(now - datetime.datetime(1899, 12, 30)).total_seconds() / 86400:.7f}")
open("results/rfc.txt", "w").write(email.utils.formatdate())
with open("results/shell.txt", "w") as out:
    subprocess.run(["date", "+%s.%N"], stdout=out, check=True)
open("results/midnight.txt", "w").write(f"{now.hour * 3600 + now.minute * 60 + now.second} seconds since midnight")
open("results/literal.txt", "w").write(datetime.datetime(2020, 2, 29, 12).isoformat())
