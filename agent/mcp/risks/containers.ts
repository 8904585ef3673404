/** Rules about containers: what `docker run` and its sisters are told to open. Pure. */
import { targetOf } from '../target.ts';
import { launchLine, programName } from '../unwrap.ts';
import { isWholeDiskOrHome } from './access.ts';
import type { Assessed, Rule } from './rule.ts';

export const containerRules: readonly Rule[] = [
  {
    id: 'container-privileged',
    title: 'The container may do what the administrator of this computer may do',
    severity: 'critical',
    test: (server) =>
      flags(server)
        .map(({ name, value }) => liftedLimit(name, value))
        .find((found) => found !== null) ?? null,
    advice: 'Drop the flag; give the container the one device, folder or capability that it needs.',
    refs: ['MCP02', 'ASI05'],
  },
  {
    id: 'container-mount',
    title: 'The container sees files that it has no business with',
    severity: 'critical',
    test: (server) => mounts(server).find(isDangerousMount) ?? null,
    advice: 'Mount the one folder of work that it needs, read-only where reading is enough.',
    refs: ['MCP02', 'ASI05'],
  },
  {
    id: 'container-host-network',
    title: "The container is on this computer's own network",
    severity: 'medium',
    test: (server) => (flags(server).some(({ name, value }) => /^--net(?:work)?$/.test(name) && value === 'host') ? '' : null),
    advice: 'Leave --network=host out; a service on this computer has the name host.docker.internal inside the container.',
    refs: ['MCP02', 'MCP07'],
  },
  {
    id: 'image-unpinned',
    title: 'The image may be another one tomorrow',
    severity: 'low',
    test: (server) => {
      const { kind, name, version } = targetOf(server);
      return kind === 'oci' && !version?.startsWith('sha256:') ? `${name}${version === null ? '' : `:${version}`}` : null;
    },
    advice: 'Name the image by its digest (image@sha256:…).',
    refs: ['MCP04'],
  },
];

/** The flags of `docker run` before the image, each with its value. */
function flags(server: Assessed): { name: string; value: string }[] {
  const { kind, rest } = targetOf(server);
  if (kind !== 'oci' || server.command === null) return [];
  const [command = '', ...all] = launchLine(server);
  if (!/^(?:docker|podman|nerdctl)$/.test(programName(command))) return [];
  // The last of what stands before the image's own arguments is the image.
  const args = all.slice(0, all.length - rest.length - 1);
  return args.flatMap((arg, at) => {
    if (!arg.startsWith('-')) return [];
    const glued = /^(--[\w-]+)=([\s\S]*)$/.exec(arg) ?? /^(-v)(.+)$/s.exec(arg);
    return [glued ? { name: glued[1] ?? '', value: glued[2] ?? '' } : { name: arg, value: args[at + 1] ?? '' }];
  });
}

/** Capabilities that lead out of a container, from the kernel's list. */
const strongCapabilities =
  /^(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_PTRACE|SYS_MODULE|SYS_RAWIO|SYS_BOOT|DAC_READ_SEARCH|DAC_OVERRIDE|NET_ADMIN|NET_RAW|BPF|MKNOD|SETUID|SETGID|MAC_ADMIN|SYSLOG)$/i;

function liftedLimit(name: string, value: string): string | null {
  if (name === '--privileged') return value === 'false' ? null : '--privileged';
  if (/^--(?:pid|ipc|uts|userns|cgroupns)$/.test(name)) return value === 'host' ? `${name}=host` : null;
  if (name === '--cap-add') return strongCapabilities.test(value) ? `--cap-add=${value}` : null;
  if (name === '--security-opt')
    return /(?:seccomp|apparmor)[=:]unconfined|label[=:]disable|systempaths=unconfined/.test(value) ? `--security-opt ${value}` : null;
  if (name === '--device') return /^\/dev\/(?:sd|nvme|mem|kmem|disk|mapper)/.test(value) ? `--device ${value}` : null;
  return null;
}

/** The folders and files of the host that the container gets. */
function mounts(server: Assessed): string[] {
  return flags(server).flatMap(({ name, value }) => {
    if (name === '-v' || name === '--volume') {
      const source = /^([A-Za-z]:[\\/][^:]*|\$\{[^}]*\}[^:]*|[^:]*):/.exec(value)?.[1];
      return source === undefined ? [] : [source];
    }
    if (name !== '--mount') return [];
    const source = /(?:^|,)(?:src|source)=([^,]*)/.exec(value)?.[1];
    return source === undefined || !/(?:^|,)type=bind(?:,|$)/.test(value) ? [] : [source];
  });
}

function isDangerousMount(source: string): boolean {
  const path = source.replaceAll('\\', '/').replace(/(?<=.)\/+$/, '');
  if (isWholeDiskOrHome(path)) return true;
  if (/^(?:\/private)?\/(?:etc|boot|dev|proc|sys|var|var\/lib|var\/run|run|usr|lib|bin|sbin|var\/lib\/docker)$/.test(path)) return true;
  if (/\/(?:docker|containerd|podman|crio)\.sock$/.test(path) || /docker_engine$/.test(path)) return true;
  // Folders and files of a home in which logins lie.
  return /(?:^|\/)\.(?:ssh|aws|kube|gnupg|azure|docker|netrc|git-credentials|config\/gcloud)(?:$|\/)/.test(path);
}
