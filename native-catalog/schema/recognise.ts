/** How a tool is recognised, and the examples that show it. */
import { z } from 'zod';
import { place, platform, strings } from './parts.ts';

/** How an entry is recognised. Every field is looked up in a map built once; none is a pattern to execute. */
export const detect = z.strictObject({
  /** Package names per registry. A package is certain evidence, and so is a program run from inside its folder. */
  packages: z
    .strictObject({
      npm: strings.optional(),
      /** What stands before `-linux-x64` in platform packages named otherwise than the package itself (`opencode` for `opencode-ai`). */
      npmPlatform: strings.optional(),
      pypi: strings.optional(),
      brew: strings.optional(),
      cask: strings.optional(),
      snap: strings.optional(),
      flatpak: strings.optional(),
      dpkg: strings.optional(),
      cargo: strings.optional(),
      /** Package family names, `Claude_pzs8sxrjxfjjc`. */
      msix: strings.optional(),
    })
    .optional(),
  /** Executables' names, without `.exe`. Telling enough alone (`likely`). With capitals they match on Windows in any case, elsewhere exactly. */
  binaries: strings.optional(),
  /** Names that other programs have too: weak, never a row alone. */
  commonBinaries: strings.optional(),
  /** Consecutive segments of a path that only this tool has, such as `share/claude/versions` or `AnthropicClaude`, with `/`. Certain. */
  paths: strings.optional(),
  apps: z
    .strictObject({
      /** macOS bundle identifiers. */
      darwin: strings.optional(),
      /** Names of .desktop files without `.desktop`: certain in reverse-domain form (`dev.zed.Zed`), else likely. */
      linux: strings.optional(),
      /** Key names or display names under Windows' Uninstall, compared without case and version: likely; weak if also a common binary's name. */
      win32: strings.optional(),
    })
    .optional(),
  /** Python modules run by `python -m`, or a program run from their folder in site-packages. Certain, so no common words here. */
  modules: strings.optional(),
  /** Files or folders that the tool keeps for itself: weak, support other evidence. */
  configs: z.array(place).min(1).optional(),
  /** Identifiers of extensions in the programs that take them. An extension's own id is certain evidence. */
  extensions: z
    .strictObject({
      /** `publisher.name`, for VS Code and every editor made from it; compared without case. */
      vscode: strings.optional(),
      /** The id in a plugin's `plugin.xml`. */
      jetbrains: strings.optional(),
      /** Names of plugins' folders, where the id can't be read: likely. */
      jetbrainsFolders: strings.optional(),
      /** Identity ids of `extension.vsixmanifest`. */
      visualStudio: strings.optional(),
      /** Names of plugins' folders under Vim's and Neovim's package managers (`copilot.vim`): likely. */
      neovim: strings.optional(),
      /** Extension folders of Zed. */
      zed: strings.optional(),
      /** Symbolic names of bundles. */
      eclipse: strings.optional(),
      /** The 32 letters of the Chrome Web Store or another store of a Chromium browser. */
      chromium: z
        .array(z.string().regex(/^[a-p]{32}$/, '32 letters from a to p'))
        .min(1)
        .optional(),
      /** Add-on ids, `{…}` or `name@example`. */
      firefox: strings.optional(),
    })
    .optional(),
  /** Names of container images without registry's default and without tag: `ollama/ollama`, `ghcr.io/open-webui/open-webui`. Certain. */
  images: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9._/-]*$/, 'an image in lower case, without a tag'))
    .min(1)
    .optional(),
  /** Ports that the tool's server listens on when nobody says otherwise: weak, because ports are shared. */
  ports: z.array(z.int().min(1).max(65_535)).min(1).optional(),
  /** Hosts that people reach the tool at in a browser, without `www.`; what is below one of them is meant too. */
  domains: z
    .array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a host in lower case'))
    .min(1)
    .optional(),
  /** Whole window titles, or endings after ` - `; matched only where policy allows, and weak, because a page may call itself anything. */
  titles: strings.optional(),
  /** Identifiers above that no source confirms, as `field:value` (`packages.brew:gemini-cli`): kept, and never more than weak. */
  unverified: strings.optional(),
});

export const extensionHost = z.enum(['vscode', 'jetbrains', 'visual-studio', 'neovim', 'zed', 'eclipse', 'chromium', 'firefox']);

/** One example of what an observer reports for this tool; the check feeds each to `identify` and expects this entry. */
export const example = z
  .strictObject({
    platform: platform.optional(),
    process: z
      .strictObject({
        exe: z.string(),
        args: z.array(z.string()).optional(),
        script: z.string().optional(),
        module: z.string().optional(),
        bundleId: z.string().optional(),
      })
      .optional(),
    window: z.strictObject({ exe: z.string().optional(), bundleId: z.string().optional(), title: z.string().optional() }).optional(),
    package: z
      .strictObject({ manager: z.enum(['npm', 'pypi', 'brew', 'cask', 'snap', 'flatpak', 'dpkg', 'cargo', 'msix']), name: z.string() })
      .optional(),
    app: z.strictObject({ appId: z.string(), name: z.string().optional(), publisher: z.string().optional() }).optional(),
    binary: z.strictObject({ path: z.string(), target: z.string().optional() }).optional(),
    extension: z
      .strictObject({
        host: extensionHost,
        id: z.string(),
        folder: z.string().optional(),
      })
      .optional(),
    container: z.strictObject({ image: z.string() }).optional(),
    site: z.strictObject({ host: z.string() }).optional(),
  })
  .refine(({ platform: _, ...kinds }) => Object.values(kinds).filter(Boolean).length === 1, {
    message: 'an example is exactly one of process, window, package, app, binary, extension, container and site',
  });
