# Makes the demo's domain with Samba's own tool, in one process: one start of Python in place of nine. Called with the
# folder, the address and the containers of people; the two passwords come on standard input, where nobody sees them.
import sys

import samba.provision
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.netcmd.main import cmd_sambatool
from samba.param import LoadParm
from samba.samdb import SamDB

BASE = "DC=contoso,DC=example"
PEOPLE = f"OU=People,{BASE}"
AGENT = "svc-muster"
# Everything below a container but its rights and its owner.
RIGHTS = "RPWPCRCCDCLCLORCSDDTSW"


def tool(*words):
    try:
        code = cmd_sambatool()._run("samba-tool", *words)
    except SystemExit as end:
        code = end.code
    if code:
        sys.exit(f"samba-tool {words[0]} {words[1]} failed")


folder, address, *units = sys.argv[1:]
administrator, agent = sys.stdin.read().split()
# The rights on folders that this domain never shares need more than a container allows.
samba.provision.setsysvolacl = lambda *args, **named: None
tool("domain", "provision", "--quiet", "--realm=CONTOSO.EXAMPLE", "--domain=CONTOSO", "--server-role=dc",
     "--dns-backend=NONE", "--host-name=dc1", "--option=ldb:nosync=true", f"--adminpass={administrator}",
     f"--targetdir={folder}", f"--host-ip={address}")

store = f"{folder}/private/sam.ldb"
tool("user", "create", AGENT, agent, "-H", store)
for container in [PEOPLE] + [f"OU={unit},{PEOPLE}" for unit in units]:
    tool("ou", "create", container, "-H", store)

settings = LoadParm()
settings.load(f"{folder}/etc/smb.conf")
directory = SamDB(url=store, session_info=system_session(), lp=settings)
found = directory.search(base=f"CN={AGENT},CN=Users,{BASE}", scope=0, attrs=["objectSid"])
sid = ndr_unpack(security.dom_sid, found[0]["objectSid"][0])
tool("dsacl", "set", "-H", store, f"--objectdn={PEOPLE}", f"--sddl=(A;CI;{RIGHTS};;;{sid})")
