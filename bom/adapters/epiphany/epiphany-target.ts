/** One operating system and architecture that the files speak of. */
export interface EpiphanyTarget { readonly id: string; readonly family: 'debian' | 'rhel'; readonly folder: string; readonly os: string; readonly arch: string }
