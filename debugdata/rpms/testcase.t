repo repoz0 -99.-1000 testtags repoz0.repo.gz
repo repom1 -99.-1000 testtags repom1.repo.gz
system x86_64 rpm
poolflags implicitobsoleteusescolors whatprovideswithdisabled
solverflags allowdowngrade allowvendorchange keepexplicitobsoletes bestobeypolicy keeporphans yumobsoletes
job install oneof foo-1-2-1.noarch@repoz0 Foo-2-1.noarch@repoz0 foo-1-1-2-2.x86_64@repoz0 p1-2-1.noarch@repom1 Foo-1-1.noarch@repom1 lib+x.y-2-2.x86_64@repom1 [forcebest,setevr,setarch]
job multiversion provides kernel
job multiversion provides kernel-PAE
job multiversion provides installonlypkg(kernel)
job multiversion provides installonlypkg(kernel-module)
job multiversion provides installonlypkg(vm)
job multiversion provides multiversion(kernel)
result transaction,problems solver.result
